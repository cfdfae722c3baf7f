"""A grey picture as SVG.

An image file inside the page would need an encoder. One element for each pixel would be most of the page. So each grey
is one path of runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from limbeck.report.charts.svg import Box, add, markup, picture

MOST = 32
_LEVELS = 16
_WHITE = 255

Rows = Sequence[Sequence[float]]


def pixels(name: str, title: str, rows: Rows) -> Markup:
    """Draws brightness 0 (black) to 1 (white), row by row, in `_LEVELS` + 1 greys. Reduces a large picture.

    Args:
      name: unique in the page.
      title: title of the picture.
      rows: at least one, all of the same length.
    """
    small = reduce(rows)
    box = Box(0, 0, len(small[0]), len(small))
    root = picture(name, box, title, f"a grey picture of {len(rows[0])} by {len(rows)} pixels", shape="pixels")
    add(root, "rect", width=box.right, height=box.bottom, fill=_grey(0))
    for level, path in sorted(_paths(small).items()):
        add(root, "path", d=path, fill=_grey(level))
    return markup(root)


def reduce(rows: Rows, most: int = MOST) -> Rows:
    """Returns the picture with at most `most` pixels a side: the means of equal squares."""
    side = -(-max(len(rows), len(rows[0])) // most)
    if side == 1:
        return rows
    return [
        [
            _mean([row[left : left + side] for row in rows[top : top + side]])
            for left in range(0, len(rows[0]), side)
        ]
        for top in range(0, len(rows), side)
    ]


def _paths(rows: Rows) -> dict[int, str]:
    """Returns the runs of pixels of each grey but black, as one path for each grey."""
    paths: dict[int, str] = {}
    for y, row in enumerate(rows):
        levels = [round(min(max(value, 0.0), 1.0) * _LEVELS) for value in row]
        start = 0
        for x in range(1, len(levels) + 1):
            if x == len(levels) or levels[x] != levels[start]:
                if levels[start]:
                    run = f"M{start} {y}h{x - start}v1h{start - x}z"
                    paths[levels[start]] = paths.get(levels[start], "") + run
                start = x
    return paths


def _mean(square: Rows) -> float:
    values = [value for row in square for value in row]
    return sum(values) / len(values)


def _grey(level: int) -> str:
    shade = round(level / _LEVELS * _WHITE)
    return f"#{shade:02x}{shade:02x}{shade:02x}"
