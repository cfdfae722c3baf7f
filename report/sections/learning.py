"""Section: learning curves. Losses of different models are not comparable, so each model has its own chart."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from limbeck.report.charts.lines import curves
from limbeck.report.curves import thin
from limbeck.report.figures import plural
from limbeck.report.findings import CurvePoint
from limbeck.report.names import full, kind, ordered
from limbeck.report.schema import Report

_MOST_POINTS = 100


@dataclasses.dataclass(frozen=True)
class CurvePanel:
    """One model's chart, and its caption."""

    caption: str
    picture: Markup


def view(report: Report) -> tuple[CurvePanel, ...]:
    """Returns a panel for each model that has a curve."""
    known = report.findings.curves if report.findings else {}
    return tuple(
        _panel(f"curve-{index}", name, known[name])
        for index, name in enumerate(ordered(known))
        if any(known[name])
    )


def _panel(name: str, model: str, members: Sequence[Sequence[CurvePoint]]) -> CurvePanel:
    many = f", {plural(len(members), 'member')}" if len(members) > 1 else ""
    lines = [[(float(point.step), point.loss) for point in thin(member, _MOST_POINTS)] for member in members]
    caption = f"{full(model)}{many}"
    return CurvePanel(caption, curves(name, kind(model), f"Training loss: {caption}", lines))
