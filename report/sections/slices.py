"""Section: where the student falls behind its teacher. An average hides that, so the worst slices come first."""

from __future__ import annotations

import dataclasses

from limbeck.models import STUDENT, TEACHER
from limbeck.report.findings import Slice
from limbeck.report.schema import Report

FEW = 30
_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class SliceRow:
    """A slice: both models' measures, and the student's minus the teacher's. `few`: too few examples to be certain."""

    name: str
    examples: int
    teacher: float | None
    student: float | None
    difference: float | None
    few: bool


@dataclasses.dataclass(frozen=True)
class Slices:
    """The section. The page folds `rest` away; `widest` is the largest difference, for the length of bars."""

    whole: tuple[SliceRow, ...]
    shown: tuple[SliceRow, ...]
    rest: tuple[SliceRow, ...]
    widest: float
    any_few: bool


def view(report: Report) -> Slices | None:
    """Returns the section; None if there are no slices."""
    known = report.findings.slices if report.findings else ()
    whole = tuple(row(one) for one in known if not one.features)
    parts = worst_first(tuple(one for one in known if one.features))
    if not parts:
        return None
    widest = max((abs(one.difference) for one in parts if one.difference is not None), default=0.0)
    return Slices(whole, parts[:_SHOWN], parts[_SHOWN:], widest, any(one.few for one in parts))


def worst_first(slices: tuple[Slice, ...]) -> tuple[SliceRow, ...]:
    """Returns rows by difference; for equal differences, the larger slice first. Undefined differences come last."""
    return tuple(sorted(map(row, slices), key=_rank))


def row(one: Slice) -> SliceRow:
    """Returns a slice with its difference."""
    student, teacher = one.accuracy.get(STUDENT), one.accuracy.get(TEACHER)
    difference = None if student is None or teacher is None else student - teacher
    name = ", ".join(f"{feature} = {value}" for feature, value in one.features.items()) or "all examples"
    return SliceRow(name, one.examples, teacher, student, difference, one.examples < FEW)


def _rank(one: SliceRow) -> tuple[bool, float, int]:
    return (one.difference is None, one.difference or 0.0, -one.examples)
