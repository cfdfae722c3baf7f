"""A run on a task whose student is broken trains no teacher, also where no control is trained before them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.runs import edit, own_digits, run

pytestmark = [pytest.mark.pipeline, pytest.mark.long]


def test_a_broken_student_is_told_before_the_first_teacher(tmp_path: Path) -> None:
    package = own_digits(tmp_path)
    edit(
        package / "models.py",
        "def build_student(hyperparameters: Hyperparameters) -> Any:\n",
        "def build_student(hyperparameters: Hyperparameters) -> Any:\n    return {}['broken']\n\n\n"
        "def build_student_before(hyperparameters: Hyperparameters) -> Any:\n",
    )
    root = tmp_path / "root"
    done = run(str(package), root, "controls=false", "teachers.count=1", "teachers.epochs=1", "training.epochs=1")
    assert done.code == 2, done.output
    assert "cannot build its student:" in done.output and "KeyError: 'broken'" in done.output
    told = [json.loads(line) for line in (root / "logs" / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert not [event for event in told if event["event"] in ("training", "restarting")]
    assert "TeacherTrainer" in {event.get("node") for event in told}
