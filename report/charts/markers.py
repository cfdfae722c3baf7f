"""A shape for each kind of model. Many readers cannot tell colours apart, and neither can grey printers."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from markupsafe import Markup

from limbeck.report.charts.svg import add, markup
from limbeck.report.names import kinds

# Corners on a circle of radius 1, by the model's place in the registry; None is a circle.
_POLYGONS = (
    ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    None,
    ((0.0, -1.15), (1.1, 0.85), (-1.1, 0.85)),
    ((0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)),
    ((0.0, 1.15), (1.1, -0.85), (-1.1, -0.85)),
    ((-1.2, -0.5), (1.2, -0.5), (1.2, 0.5), (-1.2, 0.5)),
)


def marker(parent: Element, kind: str, x: float, y: float, radius: float = 5.0) -> Element:
    """Draws the marker of a kind of model (`limbeck.report.names.kind`) around a point."""
    known = kinds()
    place = known.index(kind) if kind in known else len(_POLYGONS)
    polygon = _POLYGONS[place] if place < len(_POLYGONS) else None
    if polygon is None:
        return add(parent, "circle", cx=x, cy=y, r=radius, shape=f"marker {kind}")
    # Polygons get about the area of the circle.
    size = radius * math.sqrt(math.pi) / 2
    corners = " ".join(f"{x + size * dx:.2f},{y + size * dy:.2f}" for dx, dy in polygon)
    return add(parent, "polygon", points=corners, shape=f"marker {kind}")


def key(kind: str) -> Markup:
    """Returns the marker alone, to stand before a name in a text."""
    root = Element("svg", {"class": "key", "viewBox": "-7 -7 14 14", "aria-hidden": "true"})
    marker(root, kind, 0, 0)
    return markup(root)
