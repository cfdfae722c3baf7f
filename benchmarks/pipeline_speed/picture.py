"""Draws measured actions as a timeline: a line for each stage, a box for each action, gaps where nothing is done."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_NAME = re.compile(r"(?:^|/)stage(\d+)_([FBU]\d+)/")
_WIDTH, _HEIGHT, _LEFT, _GAP = 1000.0, 34.0, 60.0, 8.0
_COLOURS = {"F": "#9ecae1", "B": "#fdae6b", "U": "#a1d99b"}


class Measured(NamedTuple):
    """An action, and when it took place, in seconds."""

    stage: int
    action: str
    begin: float
    end: float


def actions_of(operations: Iterable[tuple[str, float, float]]) -> list[Measured]:
    """Returns the actions of a step, from its operations: name, begin and end.

    An action lasts from the begin of its first operation to the end of its last. The first action begins at 0.
    Operations that belong to no action are left out.
    """
    found: dict[tuple[int, str], tuple[float, float]] = {}
    for name, begin, end in operations:
        match = _NAME.search(name)
        if match:
            key = int(match[1]), match[2]
            known = found.get(key, (begin, end))
            found[key] = min(known[0], begin), max(known[1], end)
    first = min((begin for begin, _ in found.values()), default=0.0)
    spans = [Measured(*key, begin - first, end - first) for key, (begin, end) in found.items()]
    return sorted(spans, key=lambda one: (one.stage, one.begin))


def busy_share(actions: Sequence[Measured]) -> float:
    """Returns which share of the time of all stages something was done in, from the first begin to the last end."""
    whole = max(one.end for one in actions) - min(one.begin for one in actions)
    stages = {one.stage for one in actions}
    return sum(_covered([one for one in actions if one.stage == stage]) for stage in stages) / (
        whole * len(stages)
    )


def _covered(actions: Sequence[Measured]) -> float:
    """Returns how long at least one of the actions took place."""
    covered, until = 0.0, float("-inf")
    for one in sorted(actions, key=lambda each: each.begin):
        covered += max(0.0, one.end - max(one.begin, until))
        until = max(until, one.end)
    return covered


def drawn(actions: Sequence[Measured], title: str) -> str:
    """Returns the timeline as SVG."""
    end = max(one.end for one in actions)
    stages = 1 + max(one.stage for one in actions)
    scale, height = _WIDTH / end, 40 + stages * (_HEIGHT + _GAP) + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 10:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="12">',
        f'<text x="{_LEFT:.0f}" y="20" font-size="14">{html.escape(title)}</text>',
    ]
    for stage in range(stages):
        y = 36 + stage * (_HEIGHT + _GAP)
        lines.append(f'<text x="0" y="{y + _HEIGHT / 2 + 4:.1f}">stage {stage}</text>')
        lines.append(f'<rect x="{_LEFT}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" fill="#f0f0f0"/>')
        for one in (each for each in actions if each.stage == stage):
            x, width = _LEFT + one.begin * scale, max(0.5, (one.end - one.begin) * scale)
            lines.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_HEIGHT}" '
                f'fill="{_COLOURS[one.action[0]]}" stroke="#555"><title>{one.action}: '
                f"{one.begin * 1e3:.2f} to {one.end * 1e3:.2f} ms</title></rect>"
            )
            if width > 16:  # noqa: PLR2004
                lines.append(f'<text x="{x + 3:.1f}" y="{y + _HEIGHT / 2 + 4:.1f}">{one.action}</text>')
    lines.append(f'<text x="{_LEFT:.0f}" y="{height - 6:.0f}">0 to {end * 1e3:.1f} ms</text>')
    return "\n".join([*lines, "</svg>", ""])
