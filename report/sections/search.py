"""Section: the losses that a search tried for the student, on the validation split, and the one that it took.

The test split is not used. Otherwise the verdict would be on the same examples on which the student was chosen.
"""

from __future__ import annotations

import dataclasses

from limbeck.report import figures
from limbeck.report.schema import Report
from limbeck.trainer.search import choice, words
from limbeck.trainer.search.record import SearchTrial


@dataclasses.dataclass(frozen=True)
class TrialRow:
    """One trial, formatted; `chosen` if its student was taken."""

    loss: str
    full: bool
    steps: str
    time: str
    measure: str
    loss_value: str
    difference: str
    chosen: bool


@dataclasses.dataclass(frozen=True)
class SearchView:
    """The section.

    Attributes:
      measure: name of the measure.
      examples: number of labelled validation examples, in words.
      budget: the budget, and how much of it was used, in words.
      taken: the loss that was taken, in words.
      level: the largest p-value of a loss that is taken, as a text.
      alone: whether labels alone were taken, because no other loss beat them.
      rows: the trials, those of full length first.
    """

    measure: str
    examples: str
    budget: str
    taken: str
    level: str
    alone: bool
    rows: tuple[TrialRow, ...]


def view(report: Report) -> SearchView | None:
    """Returns the section; None if the student's loss was not searched for."""
    found = report.findings.search if report.findings else None
    if found is None:
        return None
    steps, seconds = (sum(getattr(one, name) for one in found.trials) for name in ("steps", "seconds"))
    longest_first = sorted(found.trials, key=lambda one: one.length != "full")
    return SearchView(
        report.measure.name,
        figures.plural(found.examples, "labelled validation example"),
        f"{found.budget:g} times the steps of the student were allowed, and it took {figures.plural(steps, 'step')} in "
        f"{figures.duration(seconds)}",
        words.loss(found.chosen),
        f"{choice.LEVEL:g}",
        found.chosen.used_alpha == 0,
        tuple(_row(one, report) for one in longest_first),
    )


def _row(trial: SearchTrial, report: Report) -> TrialRow:
    broke_down = trial.failure is not None
    return TrialRow(
        words.loss(trial.distillation),
        trial.length == "full",
        "broke down" if broke_down else f"{trial.steps:,}",
        figures.duration(trial.seconds),
        "" if broke_down else figures.measured(trial.value, report.measure),
        "" if broke_down else figures.nats(trial.loss),
        _difference(trial, report),
        trial.chosen,
    )


def _difference(trial: SearchTrial, report: Report) -> str:
    if trial.difference is None or trial.standard_error is None or trial.distillation.used_alpha == 0:
        return ""
    told = figures.difference_and_error(trial.difference, trial.standard_error, report.measure)
    return f"{told}{_chance(trial)}"


def _chance(trial: SearchTrial) -> str:
    return "" if trial.p_value is None else f", {figures.p_value(trial.p_value)}"
