"""Section: which classes were confused. A shaded table, or for many classes the most frequent mistakes."""

from __future__ import annotations

import dataclasses

from limbeck.models import STUDENT, TEACHER
from limbeck.report.findings import Confusion
from limbeck.report.names import full
from limbeck.report.schema import Report

MOST_CLASSES = 20
MOST_MISTAKES = 15
_LONG_NAME = 3


@dataclasses.dataclass(frozen=True)
class Cell:
    """Examples of one class that were predicted as one class; `shade` is 0 to 1, among right ones or mistakes."""

    count: int
    shade: float
    right: bool


@dataclasses.dataclass(frozen=True)
class Matrix:
    """The table of one model. Each row has the name of a label, and a cell for each predicted class."""

    model: str
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    long_names: bool


@dataclasses.dataclass(frozen=True)
class Mistake:
    """Examples of `label` predicted as `predicted`: `count` of `of`; `teacher` is the teacher's count, if known."""

    label: str
    predicted: str
    count: int
    of: int
    teacher: int | None


@dataclasses.dataclass(frozen=True)
class Confusions:
    """The section. `matrices` is empty if there are many classes."""

    model: str
    matrices: tuple[Matrix, ...]
    mistakes: tuple[Mistake, ...]
    more: int


def view(report: Report) -> Confusions | None:
    """Returns the section; None if no confusions of student or teacher are known."""
    known = report.findings.confusion if report.findings else {}
    shown = [name for name in (STUDENT, TEACHER) if name in known and known[name].classes]
    if not shown:
        return None
    first = shown[0]
    small = len(known[first].classes) <= MOST_CLASSES
    found = mistakes(known[first], known.get(TEACHER) if first != TEACHER else None)
    return Confusions(
        full(first),
        matrices({name: known[name] for name in shown}) if small else (),
        found[:MOST_MISTAKES],
        max(len(found) - MOST_MISTAKES, 0),
    )


def matrices(known: dict[str, Confusion]) -> tuple[Matrix, ...]:
    """Returns the tables of some models, on one scale.

    Right answers are shaded among right answers, and mistakes among mistakes. Otherwise few mistakes would be
    invisible.
    """
    right = max(row[index] for one in known.values() for index, row in enumerate(one.counts))
    wrong = max((mistake.count for one in known.values() for mistake in mistakes(one, None)), default=0)
    return tuple(_matrix(full(name), one, right, wrong) for name, one in known.items())


def _matrix(model: str, confusion: Confusion, right: int, wrong: int) -> Matrix:
    def cell(label: int, predicted: int, count: int) -> Cell:
        most = right if label == predicted else wrong
        return Cell(count, count / most if most else 0.0, label == predicted)

    rows = tuple(
        (name, tuple(cell(label, predicted, count) for predicted, count in enumerate(row)))
        for label, (name, row) in enumerate(zip(confusion.classes, confusion.counts, strict=True))
    )
    return Matrix(model, confusion.classes, rows, max(map(len, confusion.classes)) > _LONG_NAME)


def mistakes(confusion: Confusion, teacher: Confusion | None) -> tuple[Mistake, ...]:
    """Returns all mistakes, the most frequent first."""
    beside = teacher.counts if teacher is not None and teacher.classes == confusion.classes else None
    found = [
        Mistake(
            confusion.classes[label],
            confusion.classes[predicted],
            count,
            sum(row),
            beside[label][predicted] if beside else None,
        )
        for label, row in enumerate(confusion.counts)
        for predicted, count in enumerate(row)
        if label != predicted and count
    ]
    return tuple(sorted(found, key=lambda one: -one.count))
