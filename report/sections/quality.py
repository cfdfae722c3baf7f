"""Quality against size and latency of all models, and the student against its controls."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from markupsafe import Markup

from limbeck.models import STUDENT, TEACHER
from report import figures
from report.charts import strip
from report.charts.markers import key
from report.charts.scatter import Point, Texts, scatter
from report.gain import reading
from report.names import full, kind, ordered, short
from report.schema import ModelReport, Report

_LEAST_POINTS = 2


@dataclasses.dataclass(frozen=True)
class Row:
    """A model in the table."""

    name: str
    key: Markup
    model: ModelReport


@dataclasses.dataclass(frozen=True)
class Against:
    """The student against one control, as texts."""

    name: str
    key: Markup
    difference: str
    interval: str
    p_value: str
    reading: str
    picture: Markup


@dataclasses.dataclass(frozen=True)
class Quality:
    """The section; `charts` are empty where fewer than two models can be drawn."""

    rows: tuple[Row, ...]
    charts: tuple[Markup, ...]
    against: tuple[Against, ...]
    explained: bool


def build(report: Report) -> Quality | None:
    """Null without models."""
    if not report.models:
        return None
    names = ordered(report.models)
    rows = tuple(Row(full(name), key(kind(name)), report.models[name]) for name in names)
    explained = any(short(name) != name for name in names)
    return Quality(rows, _charts(report), _against(report), explained)


def _charts(report: Report) -> tuple[Markup, ...]:
    gate = report.config.gate
    least = _least_accuracy(report)
    size = _points(report, lambda model: model.bytes, figures.size)
    latency = _points(report, lambda model: model.latency_ms_p50, figures.milliseconds)
    if len(size) < _LEAST_POINTS or len(latency) < _LEAST_POINTS:
        return ()
    by_size = Texts("Accuracy against size", "size of the served folder", "accuracy", figures.brief_size, _percent)
    by_latency = Texts(
        "Accuracy against latency", "median latency of a call", "accuracy", figures.brief_milliseconds, _percent
    )
    return (
        scatter("size", size, by_size, gate.max_bytes, least),
        scatter("latency", latency, by_latency, gate.max_latency_ms, least),
    )


def _points(report: Report, cost: Callable[[ModelReport], float], text: Callable[[float], str]) -> list[Point]:
    points = []
    for name in ordered(report.models):
        model = report.models[name]
        accuracy = model.metrics["accuracy"]
        if accuracy is not None and cost(model) > 0:
            words = f"{figures.percent(accuracy)} at {text(cost(model))}"
            points.append(Point(short(name), kind(name), cost(model), accuracy, words))
    return points


def _least_accuracy(report: Report) -> float | None:
    """What the gate asks of the student."""
    teacher = report.models.get(TEACHER)
    accuracy = teacher.metrics["accuracy"] if teacher else None
    return None if accuracy is None else accuracy - report.config.gate.tolerance


def _against(report: Report) -> tuple[Against, ...]:
    known = [one.difference for one in report.against.values()]
    rows = []
    for index, name in enumerate(ordered(report.against)):
        one = report.against[name]
        words = f"{figures.points(one.difference.value)}, 95 % interval {figures.points_range(one.difference)}"
        title = f"{STUDENT} less {full(name)}"
        drawn = strip.strip(f"against-{index}", (title, words), one.difference, strip.span(known, [0.0]), [0.0])
        rows.append(
            Against(
                full(name),
                key(kind(name)),
                figures.bare_points(one.difference.value),
                figures.points_range(one.difference),
                figures.p_value(one.p_value),
                reading(one),
                drawn,
            )
        )
    return tuple(rows)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:g}\u00a0%"
