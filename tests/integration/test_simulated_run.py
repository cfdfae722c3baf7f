"""The compiled digits pipeline, as KFP's driver and launcher would run it: nothing but the file and its steps.

One store, one bucket and one cache serve all runs: the first ships a student, the second takes all from the cache, the
third has another temperature. Each step is a process in namespaces of its own, as another user, which sees its own
inputs only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from kubeflow.simulate.pod import process
from kubeflow.simulate.simulation import Outcome, Request, simulate
from kubeflow.simulate.versions import rules
from limbeck.errors import UserError

pytestmark = [pytest.mark.pipeline, pytest.mark.processes, pytest.mark.long]

# Looks at what lies outside the graph: the data, and what was accepted before.
NEVER_CACHED = {"DataFingerprint", "AnomalyStop"}
FROM_THE_STUDENT = {"Distiller", "Evaluator", "Predictor", "Reporter", "Gate", "Pusher", "Visualizer"}
SETTINGS = {"training.epochs": "2", "teachers.count": "1", "gate.tolerance": "1.0"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    try:
        process.check()
    except UserError as error:
        pytest.skip(str(error))
    yield tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> list[Outcome]:
    file = folder / "digits.yaml"
    # A folder that each pod has, as a mounted volume would be.
    arguments = [
        "compile",
        "--task",
        "digits",
        "--target",
        "kubeflow",
        "--output",
        str(file),
        "--root",
        "/tmp/limbeck",
    ]
    for key, value in SETTINGS.items():
        arguments += ["--set", f"{key}={value}"]
    assert main(arguments) == 0
    parameters: list[dict[str, Any]] = [{}, {}, {"distillation_temperature": 3.0}]
    request = Request(file.read_text("utf-8"), rules("2.17"), parameters, folder / "root")
    return simulate(request, pytest.fail)


def ran(outcome: Outcome) -> set[str]:
    """Names of the nodes whose process was started."""
    assert outcome.history is not None
    steps = [step for step in outcome.history.steps if step.kind == "EXECUTOR"]
    failed = [f"{step.node}: {step.error}\n{step.log[-3000:]}" for step in steps if step.exit_code]
    assert not failed, failed[0]
    assert outcome.history.phase == "Succeeded"
    return {step.node.split(".")[1] for step in steps}


def test_it_ships_a_student(outcomes: list[Outcome], folder: Path) -> None:
    nodes = ran(outcomes[0])
    assert nodes >= {"TaskData", "TeacherTrainer", "Distiller", "Evaluator", "Gate", "Pusher"} | NEVER_CACHED
    written = folder / "root" / "bucket" / "minio" / "mlpipeline"
    (pushed,) = written.rglob("pushed_model/*/saved_model.pb")
    assert pushed.stat().st_size > 0


def test_again_it_is_taken_from_the_cache(outcomes: list[Outcome]) -> None:
    assert ran(outcomes[1]) == NEVER_CACHED


def test_another_temperature_trains_the_student_again_and_not_its_teachers(outcomes: list[Outcome]) -> None:
    assert ran(outcomes[2]) == NEVER_CACHED | FROM_THE_STUDENT
