"""A reliability diagram: how often a model is right, against how sure it was."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from limbeck.report import figures
from limbeck.report.charts.axes import Axis, frame
from limbeck.report.charts.scale import Scale
from limbeck.report.charts.svg import Box, add, markup, picture
from limbeck.report.findings import ReliabilityBin

BOX = Box(0, 0, 260, 260)
AREA = Box(40, 32, 244, 220)
_SMALLEST, _LARGEST = 2.5, 9.0


def reliability(name: str, kind: str, title: str, bins: Sequence[ReliabilityBin]) -> Markup:
    """Draws a circle for each bin. Its area grows with the examples. On the diagonal, confidence equals accuracy.

    Args:
      name: unique in the page.
      kind: kind of the model (`limbeck.report.names.kind`).
      title: title of the chart.
      bins: at least one.
    """
    across, up = Scale(0, 1, AREA.left, AREA.right), Scale(0, 1, AREA.bottom, AREA.top)
    root = picture(name, BOX, title, "; ".join(map(_words, bins)))
    frame(root, AREA, Axis(across, _percent, "how sure it was"), Axis(up, _percent, "how often it was right"))
    add(root, "line", x1=across(0), y1=up(0), x2=across(1), y2=up(1), shape="diagonal")
    group = add(root, "g", shape=f"bins {kind}")
    most = max(one.examples for one in bins)
    places = [(across(one.confidence), up(one.accuracy)) for one in bins]
    for one, (x, y) in zip(bins, places, strict=True):
        add(group, "line", x1=x, y1=up(one.confidence), x2=x, y2=y, shape="gap")
    for one, (x, y) in zip(bins, places, strict=True):
        circle = add(group, "circle", cx=x, cy=y, r=radius(one.examples, most))
        add(circle, "title", _words(one))
    return markup(root)


def radius(examples: int, most: int) -> float:
    """Returns the radius of a bin's circle. Its area grows with the examples, and never gets too small to see."""
    return max(_SMALLEST, _LARGEST * math.sqrt(examples / most))


def _words(one: ReliabilityBin) -> str:
    sure, right = figures.percent(one.confidence), figures.percent(one.accuracy)
    return f"{figures.plural(one.examples, 'example')}: {sure} sure, right in {right}"


def _percent(value: float) -> str:
    return figures.percent(value, 0)
