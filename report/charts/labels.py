"""Finds a place for each label beside its point.

Students of one shape have one size, so their points stand one above the other. Labels at a fixed offset would cover
one another. So each label takes the nearest free place. A label without a free place is left out: the point still
shows its name under the mouse pointer, and the table has it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from limbeck.report.charts.svg import LINE, Box, width

_GAP = 9.0
_POINT = 7.0
_SHIFTS = 16


@dataclasses.dataclass(frozen=True)
class Place:
    """The place of a label.

    Attributes:
      x: the text's end that is next to its point.
      y: the text's middle.
      anchor: `start` for a text to the right of `x`, `end` for one to the left.
      box: the area that it covers.
    """

    x: float
    y: float
    anchor: str
    box: Box


def places(
    points: Sequence[tuple[float, float]], texts: Sequence[str], area: Box, taken: Sequence[Box] = ()
) -> tuple[Place | None, ...]:
    """Returns a place for each text: in `area`, and clear of labels, points and `taken`. None: there is no place."""
    blocked = [*taken, *(Box(x - _POINT, y - _POINT, x + _POINT, y + _POINT) for x, y in points)]
    found: dict[int, Place] = {}
    # From top to bottom, so that the labels of points in a column keep their order.
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
