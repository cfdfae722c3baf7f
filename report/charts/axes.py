"""The frame of a chart: thin lines across it, figures beside them, and a name for each axis."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from xml.etree.ElementTree import Element

from limbeck.report.charts.scale import Scale
from limbeck.report.charts.svg import FONT, Box, add, width

_TICK = 0.9 * FONT


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis: `scale` maps to positions, `text` formats a tick, `title` names the quantity and its unit."""

    scale: Scale
    text: Callable[[float], str]
    title: str
    about: int = 4

    def ticks(self) -> tuple[float, ...]:
        """Returns the values of the ticks."""
        return self.scale.ticks(self.about)


def frame(parent: Element, area: Box, x: Axis, y: Axis) -> None:
    """Draws both axes around `area`: y figures to its left, x figures and titles below and above."""
    group = add(parent, "g", shape="axes", aria_hidden="true")
    for value in y.ticks():
        at = y.scale(value)
        add(group, "line", x1=area.left, x2=area.right, y1=at, y2=at)
        add(group, "text", y.text(value), x=area.left - 6, y=at, dy="0.35em", text_anchor="end")
    add(group, "line", x1=area.left, x2=area.right, y1=area.bottom, y2=area.bottom, shape="base")
    free_from = float("-inf")
    for value in x.ticks():
        at, text = x.scale(value), x.text(value)
        half = width(text, _TICK) / 2
        add(group, "line", x1=at, x2=at, y1=area.bottom, y2=area.bottom + 4, shape="base")
        if at - half > free_from:
            add(group, "text", text, x=at, y=area.bottom + 16, text_anchor="middle")
            free_from = at + half
    middle = (area.left + area.right) / 2
    add(group, "text", x.title, x=middle, y=area.bottom + 33, text_anchor="middle", shape="axis")
    add(group, "text", y.title, x=0, y=area.top - 10, shape="axis")
