"""A mistake in the student is told before the first teacher is trained."""

import dataclasses
import json
import re

import pytest

from limbeck import events
from limbeck.errors import ConfigError, TaskError
from limbeck.reference import TaskRef
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.planned_student import PlannedStudent
from limbeck.settings.planned_teacher import PlannedTeacher
from limbeck.trainer import training
from limbeck.trainer.fitting.gradient_step import GradientStep
from tests.trainer import world as worlds
from tests.trainer.session import mistakes
from tests.trainer.session.test_mistakes import assert_own_frames_alone

pytestmark = pytest.mark.long


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The events so far, by name."""
    path = tmp_path / "events.jsonl"
    path.touch()
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    return lambda: [json.loads(line)["event"] for line in path.read_text().splitlines()]


@dataclasses.dataclass(frozen=True)
class Told:
    """The rule that a message states, and the function of the task that it shows, where it shows one."""

    rule: str
    function: str | None = None


MISTAKES = {
    "STUDENT_BUILDER": Told(r"task 'mistaken' cannot build its student:\n(?s:.*)KeyError: 'width'", "raising_builder"),
    "STUDENT_INPUT": Told(r"the student of task 'mistaken' takes inputs \['measures'\], but .* returns \['x'\]"),
    "STUDENT_WIDTH": Told(r"the student of task 'mistaken' must end in .*, but ends in \(None, 5\)"),
    "STUDENT_LAYER": Told(
        r"a training step of the student of task 'mistaken' fails:\n(?s:.*)ValueError: not in training", "call"
    ),
    "STUDENT_GATHERING": Told(
        r"the student of task 'mistaken' fails on the first batch:\n(?s:.*)9 is not in \[0, 2\)", "call"
    ),
    "STUDENT_GROWING": Told(
        r"the student of task 'mistaken' must be the same model each time .*weights were \(4, \d+\), and then \(4, "
    ),
    "STUDENT_SUBCLASS": Told(
        r"the student of task 'mistaken' cannot be called with .* \['x'\]:\n(?s:.*)KeyError: 'y'", "call"
    ),
}  # fmt: skip


@pytest.mark.parametrize("attribute", MISTAKES)
def test_no_teacher_is_trained_for_a_student_that_cannot_be(world, tmp_path, told, attribute):
    expected = MISTAKES[attribute]
    job = world.job(
        tmp_path / "job",
        task=TaskRef(module=mistakes.__name__, attribute=attribute),
        planned_student=PlannedStudent(),
        checkpoint_uri=str(tmp_path / "checkpoints"),
    )
    with pytest.raises(TaskError) as caught:
        training.run(job)
    assert re.match(expected.rule, str(caught.value)), str(caught.value)
    if expected.function:
        assert_own_frames_alone(str(caught.value), expected.function)
    assert "training" not in told()
    assert not (tmp_path / "job" / "history.json").exists() and not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize(
    ("attribute", "rule"),
    [
        ("BUILDER", r"task 'mistaken' cannot build its teacher:\n(?s:.*)KeyError: 'width'"),
        ("GATHERING", r"the teacher of task 'mistaken' fails on the first batch"),
        ("GROWING", r"the teacher of task 'mistaken' must be the same model each time"),
    ],
)
def test_no_control_is_trained_for_a_teacher_that_cannot_be(world, tmp_path, told, attribute, rule):
    """The control on hard labels depends on no teacher, so it may be the first model of a run."""
    job = world.job(
        tmp_path / "job",
        "student",
        targets="labels",
        task=TaskRef(module=mistakes.__name__, attribute=attribute),
        planned_teacher=PlannedTeacher(),
    )
    with pytest.raises(TaskError, match=rule):
        training.run(job)
    assert "training" not in told()


def test_no_control_is_trained_for_a_teacher_that_has_too_few_blocks(world, tmp_path, told):
    job = world.job(
        tmp_path / "job",
        "student",
        targets="labels",
        planned_teacher=PlannedTeacher(pipelining=PipeliningConfig(stages=3)),
    )
    with pytest.raises(ConfigError, match=r"pipelining.stages is 3 and the teacher of task 'tiny' has 2: lower"):
        training.run(job)
    assert "training" not in told()


def test_the_student_is_built_with_its_own_hyperparameters(world, tmp_path):
    job = world.job(
        tmp_path / "job",
        task=TaskRef(module=mistakes.__name__, attribute="STUDENT_UNITS"),
        planned_student=PlannedStudent({"units": 4}),
        hyperparameters={"units": 3},
    )
    with pytest.raises(TaskError, match=r"must end in .*, but ends in \(None, 4\)"):
        training.run(job)


def test_a_student_that_is_tried_changes_no_teacher(world, tmp_path, monkeypatch):
    traced = []
    run = GradientStep.run

    def noting(self, batch):
        traced.append({name: value.shape.as_list() for name, value in batch[1].items()})
        return run(self, batch)

    monkeypatch.setattr(GradientStep, "run", noting)
    alone = world.job(tmp_path / "alone")
    with_student = world.job(
        tmp_path / "with-student",
        planned_student=PlannedStudent({"units": 2}, DistillationConfig(temperature=3.0, alpha=0.5), epochs=2),
        members=2,
    )
    training.run(alone)
    of_student = len(traced)
    training.run(with_student)
    # The student was traced with the logits of so many teachers, on the first batch.
    assert [one["teacher_logits"] for one in traced if "teacher_logits" in one] == [[8, 2, 3]]
    assert "teacher_logits" in traced[of_student + 1]
    for one, other in zip(worlds.weights(alone), worlds.weights(with_student), strict=False):
        assert (one == other).all()
