"""Learning curves: one thin line for each member of an ensemble. If the loss spans decades, its axis is logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from limbeck.report.charts import scale
from limbeck.report.charts.axes import Axis, frame
from limbeck.report.charts.svg import Box, add, markup, picture

BOX = Box(0, 0, 260, 198)
AREA = Box(40, 30, 244, 158)
_DECADES = 10.0


def curves(name: str, kind: str, title: str, lines: Sequence[Sequence[tuple[float, float]]]) -> Markup:
    """Draws lines of (step, loss), with at least one point in all.

    Args:
      name: unique in the page.
      kind: kind of the model (`limbeck.report.names.kind`).
      title: title of the chart.
      lines: one for each member, in the order of its steps.
    """
    known = [point for line in lines for point in line]
    across = scale.Scale(0.0, max(step for step, _ in known), AREA.left, AREA.right)
    losses = [loss for _, loss in known]
    up = _upwards(losses)
    root = picture(name, BOX, title, _words(lines, up.logarithmic))
    frame(root, AREA, Axis(across, _step, "step", 3), Axis(up, _loss, "loss, nats"))
    group = add(root, "g", shape=f"curve {kind}" + (" many" if len(lines) > 1 else ""))
    for line in lines:
        places = [(across(step), up(loss)) for step, loss in line]
        if len(places) == 1:
            add(group, "circle", cx=places[0][0], cy=places[0][1], r=2.5, shape="dot")
        elif places:
            add(group, "polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
    return markup(root)


def _upwards(losses: Sequence[float]) -> scale.Scale:
    if min(losses) > 0 and max(losses) > _DECADES * min(losses):
        return scale.logarithmic(losses, AREA.bottom, AREA.top, 0.05)
    return scale.linear([0.0, *losses], AREA.bottom, AREA.top, 0.0 if max(losses) > 0 else 0.05)


def _words(lines: Sequence[Sequence[tuple[float, float]]], logarithmic: bool) -> str:
    ends = [f"from {line[0][1]:.3g} to {line[-1][1]:.3g} nats" for line in lines if line]
    return "; ".join(ends) + (", on a logarithmic axis" if logarithmic else "")


def _step(value: float) -> str:
    return f"{value:,.0f}"


def _loss(value: float) -> str:
    if 0 < abs(value) < 1e-3:  # noqa: PLR2004
        exponent = math.floor(math.log10(value))
        return f"{value / 10**exponent:.0f}e{exponent}"
    return f"{value:g}"
