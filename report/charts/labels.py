"""Finds a place for each label beside its point.

Students of one shape have one size, so their points stand one above the other and labels drawn at the same offset
from each would cover one another. Each label takes the cheapest place that is free; one that finds none is left out,
as its point still says its name when asked and stands in the table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from report.charts.svg import LINE, Box, width

_GAP = 9.0
_POINT = 7.0
_SHIFTS = 16


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a label stands.

    Attributes:
      x: of the text's end that is next to its point.
      y: of its middle.
      anchor: `start` for a text that runs to the right of `x`, `end` for one to the left.
      box: what it covers.
    """

    x: float
    y: float
    anchor: str
    box: Box


def places(
    points: Sequence[tuple[float, float]], texts: Sequence[str], area: Box, taken: Sequence[Box] = ()
) -> tuple[Place | None, ...]:
    """A place for each text: in `area`, and meeting no other, no point and nothing `taken`; None: there is none."""
    blocked = [*taken, *(Box(x - _POINT, y - _POINT, x + _POINT, y + _POINT) for x, y in points)]
    found: dict[int, Place] = {}
    # From top to bottom, so that labels of points in a column keep their order.
    for index in sorted(range(len(points)), key=lambda index: points[index][1]):
        for place in _candidates(*points[index], width(texts[index])):
            if place.box.within(area) and not any(place.box.meets(box) for box in blocked):
                found[index] = place
                blocked.append(place.box)
                break
    return tuple(found.get(index) for index in range(len(points)))


def _candidates(x: float, y: float, long: float) -> Iterator[Place]:
    for shift in range(_SHIFTS):
        for down in (1, -1) if shift else (1,):
            middle = y + down * shift * LINE / 2
            for anchor in ("start", "end"):
                near = x + _GAP if anchor == "start" else x - _GAP
                left = near if anchor == "start" else near - long
                box = Box(left, middle - LINE / 2, left + long, middle + LINE / 2)
                yield Place(near, middle, anchor, box)
