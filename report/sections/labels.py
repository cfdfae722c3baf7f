"""Section: the figures of each of several labels. Their mean hides a label that the student has not learnt."""

from __future__ import annotations

import dataclasses
import math

from limbeck.models import STUDENT, TEACHER
from limbeck.report.findings import LabelFigures
from limbeck.report.schema import Report


@dataclasses.dataclass(frozen=True)
class LabelRow:
    """A label: the areas of both models, and the student's minus the teacher's; null if undefined."""

    name: str
    positives: int
    examples: int
    teacher: float | None
    student: float | None
    difference: float | None


@dataclasses.dataclass(frozen=True)
class Labels:
    """The section. `widest` is the largest difference, for the length of bars; `undefined` labels have no area."""

    rows: tuple[LabelRow, ...]
    widest: float
    undefined: int


def view(report: Report) -> Labels | None:
    """Returns the section; None if an example has only one label."""
    known = report.findings.labels if report.findings else ()
    if not known:
        return None
    rows = tuple(sorted(map(_row, known), key=_rank))
    differences = [abs(one.difference) for one in rows if one.difference is not None]
    return Labels(rows, max(differences, default=0.0), len(rows) - len(differences))


def _row(one: LabelFigures) -> LabelRow:
    student, teacher = one.auc.get(STUDENT), one.auc.get(TEACHER)
    difference = None if student is None or teacher is None else student - teacher
    return LabelRow(one.label, one.positives, one.examples, teacher, student, difference)


def _rank(one: LabelRow) -> tuple[float, str]:
    return (math.inf if one.difference is None else one.difference, one.name)
