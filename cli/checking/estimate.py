"""Estimates how long a whole run takes: measured seconds of a step, times the planned steps of each model."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from limbeck.cli.checking.outcome import Outcome
from limbeck.examples import TRAIN, VALIDATION
from limbeck.models import CONTROLS
from limbeck.settings.config import Config

if TYPE_CHECKING:
    from limbeck.trainer.search.plan import Plan


@dataclasses.dataclass(frozen=True)
class Part:
    """The trainings of one kind of model.

    Attributes:
      what: the models, in words.
      models: number of models.
      jobs: number of training jobs. One job trains all teachers.
      steps: optimizer steps of each model.
      step_seconds: measured seconds of a step.
      start_seconds: measured seconds of a job without its steps.
    """

    what: str
    models: int
    jobs: int
    steps: int
    step_seconds: float
    start_seconds: float

    @property
    def seconds(self) -> float:
        """The seconds of all trainings of this part."""
        return self.models * self.steps * self.step_seconds + self.jobs * self.start_seconds


def parts(outcome: Outcome, config: Config) -> tuple[Part, ...]:
    """Returns the trainings of a run: teachers, the student with the trials of its search, and its controls.

    Args:
      outcome: what the check measured.
      config: the settings of the run, not those of the check.
    """
    rows, training = outcome.data.all_rows[TRAIN], config.training
    controls = len(CONTROLS) if config.controls else 0
    teacher, student = outcome.trainings["teacher"], outcome.trainings["student"]
    teachers = config.teachers.count
    of_teachers = Part(
        "teacher" if teachers == 1 else f"{teachers} teachers",
        teachers,
        1,
        steps(rows, config.teachers.epochs or training.epochs, training.batch_size),
        teacher.step_seconds,
        teacher.start_seconds,
    )
    searched = (
        search_of(config, rows, tempered=outcome.tempered) if outcome.data.all_rows.get(VALIDATION) else None
    )
    alone = Part(
        "student" if searched else f"student and {controls} controls" if controls else "student",
        1 if searched else 1 + controls,
        1 if searched else 1 + controls,
        steps(rows, training.epochs, training.batch_size),
        student.step_seconds,
        student.start_seconds,
    )
    heirs = config.distillation.generations - 1
    further = (
        (dataclasses.replace(alone, what=f"{heirs} further generations", models=heirs, jobs=0),) if heirs else ()
    )
    if searched is None:
        return of_teachers, alone, *further
    of_search = dataclasses.replace(
        alone, what=f"student, chosen of {searched.trials} trials", steps=searched.steps
    )
    of_controls = dataclasses.replace(alone, what=f"{controls} controls", models=controls, jobs=controls)
    return (of_teachers, of_search, *further, *((of_controls,) if controls else ()))


def search_of(config: Config, rows: int, *, tempered: bool) -> Plan | None:
    """Returns the trials of the student's search; None if there is no search.

    Args:
      config: the settings of the run.
      rows: rows of the training split.
      tempered: whether a temperature changes the loss of soft targets.
    """
    from limbeck.trainer.data.order import Order
    from limbeck.trainer.search.candidates import candidates
    from limbeck.trainer.search.plan import plan

    tried = len(candidates(config.distillation, config.search, tempered=tempered))
    order = Order(rows, config.training.batch_size, config.training.epochs, seed=None)
    return plan(tried, config.search.budget, order) if tried > 1 else None


def steps(rows: int, epochs: int, batch_size: int) -> int:
    """Returns the optimizer steps of a training."""
    from limbeck.trainer.data.order import Order

    return Order(rows, batch_size, epochs, seed=None).steps


def seconds_per_step(points: list[tuple[int, float]]) -> float | None:
    """Returns the seconds of one step; None for fewer than two calls. Leaves out the first call, which traces.

    Args:
      points: after each call, the number of steps done so far, and the time in seconds.
    """
    if len(points) < 2:  # noqa: PLR2004
        return None
    (first, began), (last, ended) = points[0], points[-1]
    return (ended - began) / (last - first)


def duration(seconds: float) -> str:
    """Returns a duration in words, such as `2 min 30 s`; rounded up, because an estimate must not promise."""
    whole = -int(-seconds // 1)
    if whole < 60:  # noqa: PLR2004
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
