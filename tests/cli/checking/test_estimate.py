"""The arithmetic of the estimated time."""

from __future__ import annotations

import dataclasses

import pytest

from limbeck.cli.checking import estimate
from limbeck.cli.checking.outcome import Data, Outcome, Training
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.data.order import Order

OUTCOME = Outcome(
    data=Data(rows={"train": 500}, all_rows={"train": 1001}),
    trainings={"teacher": Training(0.5, 10.0), "student": Training(0.01, 8.0)},
    data_seconds=20.0,
    answers={},
)


def test_each_model_takes_its_planned_steps_of_all_rows_and_each_job_starts_once():
    config = Config(training=TrainingConfig(epochs=3, batch_size=100), teachers=TeachersConfig(count=4, epochs=2))

    teachers, students = estimate.parts(OUTCOME, config)

    # 2 x 1001 / 100 and 3 x 1001 / 100, rounded up.
    assert (teachers.what, teachers.models, teachers.steps) == ("4 teachers", 4, 21)
    assert teachers.seconds == pytest.approx(4 * 21 * 0.5 + 10)
    assert (students.what, students.models, students.steps) == ("student and 2 controls", 3, 31)
    assert students.seconds == pytest.approx(3 * 31 * 0.01 + 3 * 8)


def test_without_controls_one_student_is_trained_and_teachers_take_the_common_epochs():
    config = Config(training=TrainingConfig(epochs=3, batch_size=100), controls=False)

    teacher, student = estimate.parts(OUTCOME, config)

    assert (teacher.what, teacher.models, teacher.steps) == ("teacher", 1, 31)
    assert (student.what, student.models, student.jobs) == ("student", 1, 1)


def test_the_trials_of_a_search_are_counted():
    config = Config(training=TrainingConfig(epochs=20, batch_size=100))
    validated = dataclasses.replace(
        OUTCOME, data=Data(rows={"train": 500}, all_rows={"train": 1000, "validation": 50})
    )

    _, student, controls = estimate.parts(validated, config)

    # 200 steps each; three trainings to the end, and 5 short ones in what two trainings leave: 8 epochs each.
    assert (student.what, student.models, student.jobs) == ("student, chosen of 8 trials", 1, 1)
    assert student.steps == 3 * 200 + 5 * 80
    assert (controls.what, controls.models, controls.jobs, controls.steps) == ("2 controls", 2, 2, 200)
    # A regression has no temperature: labels alone and two shares of soft targets, all to their end.
    _, student, _ = estimate.parts(dataclasses.replace(validated, tempered=False), config)
    assert student.steps == 3 * 200
    fixed = dataclasses.replace(config, distillation=DistillationConfig(temperature=1.0, alpha=0.5))
    assert len(estimate.parts(validated, fixed)) == 2


def test_further_generations_are_counted():
    distillation = DistillationConfig(temperature=1.0, alpha=0.5, generations=3)
    config = Config(training=TrainingConfig(epochs=3, batch_size=100), distillation=distillation)

    _, student, further = estimate.parts(OUTCOME, config)

    assert (further.what, further.models, further.jobs) == ("2 further generations", 2, 0)
    assert further.steps == student.steps


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 1297])
@pytest.mark.parametrize("epochs", [1, 7])
def test_planned_steps_are_those_of_the_training(rows: int, epochs: int):
    assert estimate.steps(rows, epochs, 64) == Order(rows, 64, epochs, seed=0).steps


def test_the_first_call_is_not_measured_because_it_traces():
    assert estimate.seconds_per_step([(4, 100.0), (8, 100.2), (12, 100.8)]) == pytest.approx(0.1)
    assert estimate.seconds_per_step([(4, 100.0)]) is None
    assert estimate.seconds_per_step([]) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 min 0 s"),
        (150, "2 min 30 s"),
        (3600, "1 h 0 min"),
        (9000, "2 h 30 min"),
    ],
)
def test_durations_are_rounded_up(seconds: float, text: str):
    assert estimate.duration(seconds) == text
