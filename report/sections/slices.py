"""Where the student falls behind its teacher: the worst slices first, as an average hides them."""

from __future__ import annotations

import dataclasses

from limbeck.models import STUDENT, TEACHER
from report.findings import Slice
from report.schema import Report

FEW = 30
_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class Row:
    """A slice: the measure of both models, and the student's less the teacher's; `few` examples make both uncertain."""

    name: str
    examples: int
    teacher: float | None
    student: float | None
    difference: float | None
    few: bool


@dataclasses.dataclass(frozen=True)
class Slices:
    """The section; `rest` are folded away, `widest` is the largest difference, for the bars."""

    whole: tuple[Row, ...]
    shown: tuple[Row, ...]
    rest: tuple[Row, ...]
    widest: float
    any_few: bool


def build(report: Report) -> Slices | None:
    """Null without slices."""
    known = report.findings.slices if report.findings else ()
    whole = tuple(row(one) for one in known if not one.features)
    parts = worst_first(tuple(one for one in known if one.features))
    if not parts:
        return None
    widest = max((abs(one.difference) for one in parts if one.difference is not None), default=0.0)
    return Slices(whole, parts[:_SHOWN], parts[_SHOWN:], widest, any(one.few for one in parts))


def worst_first(slices: tuple[Slice, ...]) -> tuple[Row, ...]:
    """By difference; of equal ones the larger slice first; where it is undefined, last."""
    return tuple(sorted(map(row, slices), key=_rank))


def row(one: Slice) -> Row:
    """A slice with its difference."""
    student, teacher = one.accuracy.get(STUDENT), one.accuracy.get(TEACHER)
    difference = None if student is None or teacher is None else student - teacher
    name = ", ".join(f"{feature} = {value}" for feature, value in one.features.items()) or "all examples"
    return Row(name, one.examples, teacher, student, difference, one.examples < FEW)


def _rank(one: Row) -> tuple[bool, float, int]:
    return (one.difference is None, one.difference or 0.0, -one.examples)
