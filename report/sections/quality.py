"""Section: quality against size and latency of all models, and the student against its controls."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from markupsafe import Markup

from limbeck.models import STUDENT, TEACHER
from limbeck.report import figures
from limbeck.report.charts import intervals
from limbeck.report.charts.markers import key
from limbeck.report.charts.scatter import Point, Texts, scatter
from limbeck.report.gain import reading
from limbeck.report.names import full, kind, ordered, short
from limbeck.report.proof import looks_words, proof_words, seeds_words
from limbeck.report.schema import ModelReport, Report, judged_on, measured

_LEAST_POINTS = 2


@dataclasses.dataclass(frozen=True)
class ModelRow:
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
class QualitySection:
    """The section.

    Attributes:
      rows: the models.
      others: the metrics other than the measure: each one's key, and its name in the table.
      charts: empty if fewer than two models can be drawn.
      against: the student against each control.
      explained: whether there are controls. They need an explanation for the reader.
      proof: how much worse than its teacher the student may be, as a sentence; empty if it is not known.
      seeds: the results with other seeds, as sentences; or a sentence that there are none.
      looks: how often the test split has been looked at, as a sentence; empty if it is not known.
      over: the number of labelled test examples behind all figures, as a text; empty if it is not known.
    """

    rows: tuple[ModelRow, ...]
    others: tuple[tuple[str, str], ...]
    charts: tuple[Markup, ...]
    against: tuple[Against, ...]
    explained: bool
    over: str
    proof: str
    looks: str
    seeds: tuple[str, ...]


def view(report: Report) -> QualitySection | None:
    """Returns the section; None if there are no models."""
    if not report.models:
        return None
    names = ordered(report.models)
    rows = tuple(ModelRow(full(name), key(kind(name)), report.models[name]) for name in names)
    explained = any(short(name) != name for name in names)
    keys = dict.fromkeys(key for row in rows for key in row.model.metrics if key != report.measure.key)
    others = tuple((key, key.replace("_", " ")) for key in keys)
    examples = judged_on(report)
    over = "" if examples is None else figures.plural(examples, "labelled test example")
    return QualitySection(
        rows,
        others,
        _charts(report),
        _against(report),
        explained,
        over,
        proof_words(report) or "",
        looks_words(report) or "",
        seeds_words(report),
    )


def _charts(report: Report) -> tuple[Markup, ...]:
    gate, measure = report.config.gate, report.measure
    tick = _percent if measure.unit == "fraction" else _plain
    least = _least(report)
    size = _points(report, lambda model: model.bytes, figures.size)
    latency = _points(report, lambda model: model.latency_ms_p50, figures.milliseconds)
    if len(size) < _LEAST_POINTS or len(latency) < _LEAST_POINTS:
        return ()
    by_size = Texts(
        f"{measure.title} against size", "size of the served folder", measure.name, figures.brief_size, tick
    )
    by_latency = Texts(
        f"{measure.title} against latency",
        "median latency of a call",
        measure.name,
        figures.brief_milliseconds,
        tick,
    )
    return (
        scatter("size", size, by_size, gate.max_bytes, least),
        scatter("latency", latency, by_latency, gate.max_latency_ms, least),
    )


def _points(report: Report, cost: Callable[[ModelReport], float], text: Callable[[float], str]) -> list[Point]:
    points = []
    for name in ordered(report.models):
        model = report.models[name]
        value = measured(report, name)
        if value is not None and cost(model) > 0:
            words = f"{figures.measured(value, report.measure)} at {text(cost(model))}"
            points.append(Point(short(name), kind(name), cost(model), value, words))
    return points


def _least(report: Report) -> float | None:
    """Returns the lowest measure that the gate accepts."""
    value = measured(report, TEACHER)
    return None if value is None else value - report.config.gate.tolerance


def _against(report: Report) -> tuple[Against, ...]:
    known = [one.difference for one in report.against.values()]
    rows = []
    for index, name in enumerate(ordered(report.against)):
        one = report.against[name]
        known_as = figures.measured_difference(one.difference.value, report.measure)
        ends = figures.difference_range(one.difference, report.measure)
        words = f"{known_as}, 95 % interval {ends}"
        title = f"{STUDENT} less {full(name)}"
        drawn = intervals.interval_chart(
            f"against-{index}", (title, words), one.difference, intervals.span(known, [0.0]), [0.0]
        )
        rows.append(
            Against(
                full(name),
                key(kind(name)),
                figures.bare_difference(one.difference.value, report.measure),
                ends,
                figures.p_value(one.p_value),
                reading(one),
                drawn,
            )
        )
    return tuple(rows)


def _plain(value: float) -> str:
    return f"{value:g}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:g}\u00a0%"
