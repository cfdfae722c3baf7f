"""The compiled digits pipeline, as KFP's driver and launcher would run it: nothing but the file and its steps.

One store, one bucket and one cache serve all runs: the first ships a student, the second takes all from the cache, the
third has another temperature. Each step is a process in namespaces of its own, as another user, which sees its own
inputs only, and a claim with what outlives a run.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import yaml

from limbeck.cli.main import main
from limbeck.errors import UserError
from limbeck.kubeflow.simulate.pod import process
from limbeck.kubeflow.simulate.simulation import Outcome, Request, simulate
from limbeck.kubeflow.simulate.versions import rules
from limbeck.tasks.digits import data

pytestmark = [pytest.mark.pipeline, pytest.mark.processes, pytest.mark.long]

# Looks at what lies outside the graph: the data, and what was accepted before.
NEVER_CACHED = {"DataFingerprint", "AnomalyStop"}
FROM_THE_STUDENT = {"Distiller", "Evaluator", "Predictor", "Reporter", "Gate", "Pusher", "Visualizer"}
SETTINGS = {
    "training.epochs": "2",
    "teachers.count": "1",
    "gate.tolerance": "1.0",
    # A value that is set is a parameter of the run.
    "distillation.temperature": "2.0",
    "distillation.search": "false",
    "containers.default.claims": '{"/mnt/limbeck": "limbeck"}',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    try:
        process.check()
    except UserError as error:
        pytest.skip(str(error))
    yield tmp_path_factory.mktemp("simulated")


def compiled(folder: Path, **further: str) -> str:
    """Text of the file that `compile` writes."""
    file = folder / "digits.yaml"
    arguments = ["compile", "--task", "digits", "--target", "kubeflow", "--output", str(file)]
    arguments += ["--root", "/mnt/limbeck"]
    for key, value in (SETTINGS | further).items():
        arguments += ["--set", f"{key}={value}"]
    assert main(arguments) == 0
    return file.read_text("utf-8")


def simulated(text: str, folder: Path, *parameters: dict[str, Any]) -> list[Outcome]:
    return simulate(Request(text, rules("2.17"), parameters, folder), pytest.fail)


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> list[Outcome]:
    return simulated(compiled(folder), folder / "root", {}, {}, {"distillation_temperature": 3.0})


def ran(outcome: Outcome) -> set[str]:
    """Names of the nodes whose process was started."""
    assert outcome.history is not None
    steps = [step for step in outcome.history.steps if step.kind == "EXECUTOR"]
    failed = [f"{step.node}: {step.error}\n{step.log[-3000:]}" for step in steps if step.exit_code]
    assert not failed, failed[0]
    assert outcome.history.phase == "Succeeded"
    return {step.node.split(".")[1] for step in steps}


def test_it_ships_a_student(outcomes: list[Outcome], folder: Path) -> None:
    assert ran(outcomes[0]) >= {"TaskData", "TeacherTrainer"} | NEVER_CACHED | FROM_THE_STUDENT
    claim = folder / "root" / "claims" / "limbeck"
    assert next((claim / "serving").glob("*/saved_model.pb")).stat().st_size > 0
    assert list((claim / "accepted").rglob("schema.pbtxt"))


def test_again_it_is_taken_from_the_cache(outcomes: list[Outcome]) -> None:
    assert ran(outcomes[1]) == NEVER_CACHED


def test_another_temperature_trains_the_student_again_and_not_its_teachers(outcomes: list[Outcome]) -> None:
    assert ran(outcomes[2]) == NEVER_CACHED | FROM_THE_STUDENT


def test_data_that_change_below_the_same_path_are_read_again(folder: Path) -> None:
    """Only the first nodes of the compiled file are run."""
    spec, platform = yaml.safe_load_all(compiled(folder, **{"data.path": "/mnt/limbeck/data"}))
    kept = {"DataFingerprint", "ExampleGen", "StatisticsGen"}
    tasks = spec["root"]["dag"]["tasks"]
    spec["root"]["dag"]["tasks"] = {name: task for name, task in tasks.items() if name in kept}
    text = f"{json.dumps(spec)}\n---\n{json.dumps(platform)}"
    root = folder / "changing"
    raw = root / "claims" / "limbeck" / "data"
    raw.mkdir(parents=True)
    data.write(raw)

    assert ran(*simulated(text, root, {})) == kept
    assert ran(*simulated(text, root, {})) == {"DataFingerprint"}

    (file,) = (raw / "train").iterdir()
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(file))]
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records[:-1]:
            writer.write(record)
    assert ran(*simulated(text, root, {})) == kept


@pytest.mark.release
def test_data_without_splits_are_divided_as_in_a_local_run(folder: Path) -> None:
    """The place of the data is a parameter of the run: a glob, when it was compiled, and then a folder and a file."""
    text = _reading("/mnt/limbeck/data/*/*", "/mnt/limbeck/more")
    [spec, _] = yaml.safe_load_all(text)
    assert {"data_path", "data_unlabelled"} <= spec["root"]["inputDefinitions"]["parameters"].keys()
    root = folder / "dividing"
    claim = root / "claims" / "limbeck"
    (claim / "data").mkdir(parents=True)
    data.write(claim / "data")
    records = [one for path in (claim / "data").glob("*/*") for one in _records(path, "")]
    whole = claim / "whole"
    for place, some in {
        whole / "a": records[:100],
        whole / "b": records[100:],
        claim / "more" / "a": records[:9],
    }.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(place)) as writer:
            for record in some:
                writer.write(record)

    outcomes = simulated(
        text, root, {}, {"data_path": "/mnt/limbeck/whole"}, {"data_unlabelled": "/mnt/limbeck/whole/a"}
    )
    assert [ran(one) for one in outcomes] == [
        {"DataFingerprint", "ExampleGen"},
        # Other files with the same rows: the same files would be the same key.
        {"DataFingerprint", "ExampleGen"},
        {"DataFingerprint", "ExampleGen"},
    ]
    made = sorted(path.parent for path in root.rglob("Split-train") if "ExampleGen" in str(path))
    found = [_divided(path) for path in made]

    from limbeck.components.example_gen.declaration import declaration_of
    from limbeck.components.example_gen.division import Division
    from limbeck.components.example_gen.executor import TFRecordExecutor
    from limbeck.components.example_gen.options import Options
    from limbeck.tasks.digits import TASK
    from tests.components.example_gen import test_dividing, test_executor

    labels = (TASK.label.name, str(TASK.label.visible_to_student))
    options = Options(declaration=declaration_of(TASK), division=Division("0.8/0.1/0.1"), labels=labels)
    expected = []
    for place in ("more", "whole/a"):
        local = folder / f"local-{place.replace('/', '-')}"
        local.mkdir()
        given = test_dividing.properties(local, whole, options, claim / place)
        expected.append(
            {name: sorted(some) for name, some in test_executor.run(TFRecordExecutor, local, given).items()}
        )
    assert sum(map(len, expected[0].values())) >= len(records)
    assert all(one in expected for one in found)
    assert all(one in found for one in expected)


def _reading(path: str, unlabelled: str) -> str:
    """The compiled file with the nodes that read data alone."""
    given = {"data.path": path, "data.split": "0.8/0.1/0.1", "data.unlabelled": unlabelled}
    with tempfile.TemporaryDirectory() as made:
        spec, platform = yaml.safe_load_all(compiled(Path(made), **given))
    tasks = spec["root"]["dag"]["tasks"]
    spec["root"]["dag"]["tasks"] = {name: tasks[name] for name in ("DataFingerprint", "ExampleGen")}
    return f"{json.dumps(spec)}\n---\n{json.dumps(platform)}"


def _records(path: Path, compression: str) -> list[bytes]:
    return [record.numpy() for record in tf.data.TFRecordDataset(str(path), compression_type=compression)]


def _divided(folder: Path) -> dict[str, list[bytes]]:
    return {
        split.name.removeprefix("Split-"): sorted(
            one for path in split.iterdir() for one in _records(path, "GZIP")
        )
        for split in folder.glob("Split-*")
    }
