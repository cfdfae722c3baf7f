"""Section: learning curves, and the models' figures on the validation split at the end of their training.

Losses of different models are not comparable, so each model has its own chart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from limbeck.report.charts.lines import curves
from limbeck.report.curves import thin
from limbeck.report.figures import UNDEFINED, plural
from limbeck.report.findings import CurvePoint, ValidationFigures
from limbeck.report.names import full, kind, ordered
from limbeck.report.schema import Report

_MOST_POINTS = 100


@dataclasses.dataclass(frozen=True)
class CurvePanel:
    """One model's chart, and its caption."""

    caption: str
    picture: Markup


@dataclasses.dataclass(frozen=True)
class ValidationRow:
    """The last validation of one member: a figure for each metric of the table, formatted."""

    caption: str
    step: int
    examples: int
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Learning:
    """The section: a panel for each model that has a curve, and the table of validations with its metrics."""

    panels: tuple[CurvePanel, ...]
    metrics: tuple[str, ...]
    validations: tuple[ValidationRow, ...]


def view(report: Report) -> Learning | None:
    """Returns the section; None if no model has a curve."""
    known = report.findings.curves if report.findings else {}
    panels = tuple(
        _panel(f"curve-{index}", name, known[name])
        for index, name in enumerate(ordered(known))
        if any(known[name])
    )
    return Learning(panels, *_table(report.findings.validation)) if report.findings and panels else None


def _table(
    known: Mapping[str, Sequence[ValidationFigures]],
) -> tuple[tuple[str, ...], tuple[ValidationRow, ...]]:
    """Returns the names of all metrics, and a row for each member of each model."""
    metrics = tuple(dict.fromkeys(name for some in known.values() for one in some for name in one.metrics))
    rows = tuple(
        ValidationRow(
            full(model) + (f", member {number + 1}" if len(known[model]) > 1 else ""),
            one.step,
            one.examples,
            tuple(_shown(one.metrics.get(name)) for name in metrics),
        )
        for model in ordered(known)
        for number, one in enumerate(known[model])
    )
    return metrics, rows


def _shown(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4g}"


def _panel(name: str, model: str, members: Sequence[Sequence[CurvePoint]]) -> CurvePanel:
    many = f", {plural(len(members), 'member')}" if len(members) > 1 else ""
    lines = [[(float(point.step), point.loss) for point in thin(member, _MOST_POINTS)] for member in members]
    caption = f"{full(model)}{many}"
    return CurvePanel(caption, curves(name, kind(model), f"Training loss: {caption}", lines))
