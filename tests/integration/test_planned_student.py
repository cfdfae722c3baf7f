"""A run on a task whose student is broken, or cannot be compressed as asked, trains no teacher.

It is so also where no control is trained before them.
"""

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
    settings = ("controls=false", "teachers.count=1", "teachers.epochs=1", "training.epochs=1")
    done = run(str(package), root, *settings)
    assert done.code == 2, done.output
    assert "cannot build its student:" in done.output and "KeyError: 'broken'" in done.output
    assert_nothing_was_trained(root)

    # A student that trains, and cannot be compressed, is told as early.
    edit(
        package / "models.py",
        "    return {}['broken']\n",
        "    import tensorflow as tf\n\n    model = build_student_before(hyperparameters)\n"
        "    return tf.keras.Model(model.input, tf.keras.layers.Lambda(tf.math.bessel_i0e)(model.output))\n",
    )
    done = run(str(package), root, *settings, "compression.recipe=int8")
    assert done.code == 2, done.output
    assert (
        "cannot become a .tflite file: LiteRT has no operator for " in done.output and "BesselI0e" in done.output
    )
    assert_nothing_was_trained(root)


def assert_nothing_was_trained(root: Path) -> None:
    """Asserts that a run ended in TeacherTrainer, before its first training."""
    told = [json.loads(line) for line in (root / "logs" / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert not [event for event in told if event["event"] in ("training", "restarting")]
    assert "TeacherTrainer" in {event.get("node") for event in told}
