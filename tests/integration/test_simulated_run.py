"""The compiled digits pipeline, as KFP's driver and launcher would run it: nothing but the file and its steps.

One store, one bucket and one cache serve all runs: the first ships a student, the second takes all from the cache, the
third has another temperature. Each step is a process in namespaces of its own, as another user, which sees its own
inputs only, and a claim with what outlives a run.
"""

from __future__ import annotations

import json
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
