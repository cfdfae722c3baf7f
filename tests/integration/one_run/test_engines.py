"""The steps of Beam in processes that share nothing with the run: artifacts are those of a local run."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from limbeck.beam_processes import ready
from limbeck.launchers.local.ports import held
from limbeck.trainer.process import interpreter
from tests.integration.one_run.base import Base
from tests.integration.one_run.test_determinism import assert_equal_runs
from tests.integration.runs import NEVER_CACHED, PROJECT, SHORT, Finished, edit, run

pytestmark = [pytest.mark.pipeline, pytest.mark.long]


def soft_targets(root: Path) -> dict[str, dict[bytes, list[float]]]:
    """The logits of the teachers by split and id."""
    import tensorflow as tf

    found: dict[str, dict[bytes, list[float]]] = {}
    for path in sorted((root / "pipeline" / "TeacherLabeler").glob("*/*/Split-*/*.gz")):
        for record in tf.data.TFRecordDataset(str(path), compression_type="GZIP"):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            [name] = features["example_id"].bytes_list.value
            logits = list(features["teacher_logits"].float_list.value)
            found.setdefault(path.parent.name, {})[name] = logits
    return found


def predictions(root: Path) -> list[str]:
    """The rows of the first predictions, in no order. Tests elsewhere may have made further ones of other models."""
    import pyarrow.parquet

    folder = min((root / "pipeline" / "Predictor" / "predictions").iterdir(), key=lambda one: int(one.name))
    files = sorted(folder.rglob("*.parquet"))
    assert files
    return sorted(repr(row) for file in files for row in pyarrow.parquet.read_table(str(file)).to_pylist())


def statistics(root: Path) -> dict[str, Any]:
    """Mean and deviation of each numeric feature of the training split."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    [path] = (root / "pipeline" / "StatisticsGen" / "statistics").glob("*/Split-train/FeatureStats.pb")
    [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes()).datasets
    named = {feature.path.step[0]: feature.num_stats for feature in dataset.features}
    return {name: (one.mean, one.std_dev) for name, one in named.items() if one.common_stats.num_non_missing}


@dataclasses.dataclass(frozen=True)
class Portable:
    """A run of the base's task whose Beam steps ran elsewhere."""

    task: Path
    root: Path
    finished: Finished


@pytest.fixture(scope="module")
def portable(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Portable:
    root = tmp_path_factory.mktemp("portable") / "root"
    settings = ("beam.engine=portable", "beam.environment=process", "beam.workers=2")
    return Portable(base.task, root, run(str(base.task), root, *SHORT, *settings))


def test_two_workers_that_a_command_starts_make_what_a_local_run_makes(base: Base, portable: Portable):
    assert portable.finished.code == 0, portable.finished.output
    assert_equal_runs(base.root, portable.root)
    assert soft_targets(portable.root) == soft_targets(base.root) != {}
    assert predictions(portable.root) == predictions(base.root)
    local, other = statistics(base.root), statistics(portable.root)
    assert local.keys() == other.keys() != set()
    for name, values in local.items():
        np.testing.assert_allclose(other[name], values, rtol=1e-12, err_msg=name)
    # Two workers write two files.
    assert len(list((portable.root / "pipeline" / "ExampleGen").glob("examples/*/Split-train/*.gz"))) == 2


def test_no_worker_of_the_run_is_left(portable: Portable):
    # Each inherits the name of the file for events.
    variables = [one.info["environ"] or {} for one in psutil.process_iter(["environ"])]
    assert not [one for one in variables if str(portable.root) in one.get("LIMBECK_EVENTS", "")]


def test_another_engine_address_and_number_of_workers_void_no_cache(portable: Portable):
    """The Predictor runs again for another reason, and takes its worker from a pool."""
    command = [sys.executable, "-m", "limbeck.beam_processes.job_service"]
    with ready.running(command, interpreter.environment(os.environ), "the job service") as endpoint:
        again = run(
            str(portable.task),
            portable.root,
            *SHORT,
            *("beam.engine=portable", f"beam.endpoint={endpoint}", "controls=false"),
        )
    assert again.code == 0, again.output
    assert again.computed == NEVER_CACHED | {"Predictor", "Gate", "Reporter", "Visualizer", "Pusher"}
    log = (portable.root / "logs" / "run.log").read_text(encoding="utf-8", errors="replace")
    assert "worker worker_0 starts" in log


@pytest.fixture
def prism(tmp_path: Path) -> Iterator[str]:
    """The address of Beam's portable runner in Go: another job service, written by others in another language."""
    program = Path(os.environ.get("PRISM", PROJECT / ".tools" / "prism"))
    if not program.is_file():
        pytest.skip(f"there is no {program}: `make prism` builds it, and needs Go")
    with held(2) as (job, web), (tmp_path / "prism.log").open("wb") as log:
        command = [str(program), f"--job_port={job}", f"--web_port={web}", "--log_kind=text"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            ready.await_answer(process, f"localhost:{job}", "Prism")
            yield f"localhost:{job}"
        finally:
            ready.end(process)


def test_a_job_service_of_others_makes_the_same(base: Base, prism: str, tmp_path: Path):
    done = run(str(base.task), tmp_path / "root", *SHORT, "beam.engine=portable", f"beam.endpoint={prism}")
    assert done.code == 0, done.output
    assert_equal_runs(base.root, tmp_path / "root")
    assert soft_targets(tmp_path / "root") == soft_targets(base.root)
    assert predictions(tmp_path / "root") == predictions(base.root)


def test_a_worker_with_another_copy_of_the_task_is_refused(portable: Portable, tmp_path: Path):
    """As on a machine that was not brought up to date: the run says so, and nothing is pushed."""
    stale = tmp_path / "stale"
    shutil.copytree(portable.task.parent, stale, ignore=shutil.ignore_patterns("root*", "__pycache__"))
    edit(stale / portable.task.name / "preprocessing.py", "BRIGHTEST = 16.0", "BRIGHTEST = 15.0")
    program = tmp_path / "worker"
    variables = interpreter.environment({}) | {"LIMBECK_TASK_FOLDER": str(stale)}
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    start = f'exec {shlex.quote(sys.executable)} -m limbeck.beam_processes.boot "$@"'
    program.write_text("\n".join(["#!/bin/sh", *exports, start]) + "\n", encoding="utf-8")
    program.chmod(0o755)
    done = run(
        str(portable.task),
        tmp_path / "root",
        *SHORT,
        *("beam.engine=portable", "beam.environment=process", f"beam.command={program}"),
    )
    assert done.code == 2
    assert "every Beam worker must run what the pipeline runs" in done.report["error"]
    assert "the task's code with digest" in done.report["error"]
    assert not (tmp_path / "root" / "serving").exists()
