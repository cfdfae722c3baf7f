"""Quality against cost: one marker for each model, its name beside it, and the gate's limits as broken lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from limbeck.report.charts import labels, scale
from limbeck.report.charts.axes import Axis, frame
from limbeck.report.charts.markers import marker
from limbeck.report.charts.svg import LINE, Box, add, markup, picture, shorten, width

BOX = Box(0, 0, 360, 256)
AREA = Box(46, 28, 350, 214)
_MARGIN = 0.12
_LIMIT = "gate"
_NEAR_TITLE = 60.0


@dataclasses.dataclass(frozen=True)
class Point:
    """A model: its cost `x` > 0, its quality `y`, and both in words."""

    label: str
    kind: str
    x: float
    y: float
    words: str


@dataclasses.dataclass(frozen=True)
class Texts:
    """The texts of a scatter plot: its title, its axes' titles, and how their ticks are formatted."""

    title: str
    x_title: str
    y_title: str
    x_text: Callable[[float], str]
    y_text: Callable[[float], str]


def scatter(
    name: str,
    points: Sequence[Point],
    texts: Texts,
    x_limit: float | None = None,
    y_limit: float | None = None,
    *,
    line: Sequence[Point] = (),
) -> Markup:
    """Draws at least one point, on a logarithmic x axis.

    Args:
      name: unique in the page.
      points: the models.
      texts: the texts of the plot.
      x_limit: largest cost that the gate allows; drawn if it lies near the points.
      y_limit: lowest quality that the gate allows; drawn if it lies near the points.
      line: points that a line joins, such as those of a Pareto front.
    """
    across = scale.logarithmic((point.x for point in points), AREA.left, AREA.right, _MARGIN)
    up = scale.linear((point.y for point in points), AREA.bottom, AREA.top, _MARGIN)
    root = picture(name, BOX, texts.title, "; ".join(f"{point.label}: {point.words}" for point in points))
    frame(root, AREA, Axis(across, texts.x_text, texts.x_title, 5), Axis(up, texts.y_text, texts.y_title))
    taken = _limits(root, across, up, x_limit, y_limit)
    if len(line) > 1:
        add(
            root,
            "polyline",
            points=" ".join(f"{across(one.x):.2f},{up(one.y):.2f}" for one in line),
            shape="front",
        )
    _points(root, points, [(across(point.x), up(point.y)) for point in points], taken)
    return markup(root)


def _limits(
    root: Element, across: scale.Scale, up: scale.Scale, x_limit: float | None, y_limit: float | None
) -> list[Box]:
    """Draws the limits that lie in the plot. Returns the areas that their names cover."""
    taken = []
    if x_limit is not None and across.holds(x_limit):
        at = across(x_limit)
        add(root, "line", x1=at, x2=at, y1=AREA.top, y2=AREA.bottom, shape="limit")
        # Beside the y axis' title, not over it.
        anchor, x = ("middle", at) if at > _NEAR_TITLE else ("start", _NEAR_TITLE)
        add(root, "text", _LIMIT, x=x, y=AREA.top - 5, text_anchor=anchor, shape="limit")
    if y_limit is not None and up.holds(y_limit):
        at = up(y_limit)
        add(root, "line", x1=AREA.left, x2=AREA.right, y1=at, y2=at, shape="limit")
        add(root, "text", _LIMIT, x=AREA.right, y=at - 5, text_anchor="end", shape="limit")
        taken.append(Box(AREA.right - width(_LIMIT), at - LINE - 2, AREA.right, at + 2))
    return taken


def _points(root: Element, points: Sequence[Point], at: Sequence[tuple[float, float]], taken: list[Box]) -> None:
    texts = [shorten(point.label) for point in points]
    room = Box(AREA.left + 2, AREA.top - 2, AREA.right + 8, AREA.bottom - 1)
    found = labels.places(at, texts, room, taken)
    for point, (x, y), text, place in zip(points, at, texts, found, strict=True):
        group = add(root, "g", shape=f"point {point.kind}")
        if place is not None and abs(place.y - y) > LINE / 2:
            add(group, "line", x1=x, y1=y, x2=place.x, y2=place.y, shape="leader")
        add(marker(group, point.kind, x, y), "title", f"{point.label}: {point.words}")
        if place is not None:
            add(group, "text", text, x=place.x, y=place.y, dy="0.35em", text_anchor=place.anchor, shape="label")
