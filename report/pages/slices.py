"""The page with every metric of every slice. The report shows one metric, and the worst slices first."""

from __future__ import annotations

import dataclasses
import math

from limbeck.report.figures import UNDEFINED
from limbeck.report.pages.page import draw

FILE = "slices.html"
TITLE = "Every metric of every slice"


@dataclasses.dataclass(frozen=True)
class SliceMetrics:
    """The test examples that share some values.

    Attributes:
      features: the raw features and their values; empty for all examples.
      examples: number of examples.
      teacher: its metrics by name; NaN if one is undefined.
      student: the same of the student.
    """

    features: tuple[tuple[str, str], ...]
    examples: int
    teacher: dict[str, float]
    student: dict[str, float]


@dataclasses.dataclass(frozen=True)
class _Row:
    name: str
    examples: int
    whole: bool
    # Teacher, student and difference of each metric.
    cells: tuple[tuple[str, str, str], ...]


@dataclasses.dataclass(frozen=True)
class _View:
    metrics: tuple[str, ...]
    rows: tuple[_Row, ...]


def render(task: str, slices: tuple[SliceMetrics, ...]) -> str:
    """Returns the page: all examples first, then the slices by their features and values.

    Args:
      task: name of the task.
      slices: the slices, in any order.
    """
    metrics = tuple(dict.fromkeys(name for one in slices for name in one.student))
    ordered = sorted(
        slices, key=lambda one: ([name for name, _ in one.features], [_key(text) for _, text in one.features])
    )
    return draw("slices", TITLE, task, _View(metrics, tuple(_row(one, metrics) for one in ordered)))


def _key(text: str) -> tuple[bool, float, str]:
    """Returns what a value is sorted by: numbers by their size, before texts."""
    try:
        return (False, float(text), text)
    except ValueError:
        return (True, 0.0, text)


def _row(one: SliceMetrics, metrics: tuple[str, ...]) -> _Row:
    cells = []
    for name in metrics:
        teacher, student = one.teacher.get(name, math.nan), one.student.get(name, math.nan)
        cells.append((_figure(teacher), _figure(student), _figure(student - teacher, "+")))
    name = ", ".join(f"{feature} = {value}" for feature, value in one.features) or "all examples"
    return _Row(name, one.examples, not one.features, tuple(cells))


def _figure(value: float, sign: str = "-") -> str:
    return f"{value:{sign}.4f}" if math.isfinite(value) else UNDEFINED
