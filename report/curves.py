"""Thins loss curves to what a screen can show.

Every n-th point would be as noisy as the whole curve, and would miss the points in between. A mean over several steps
keeps the mean over the whole training.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from limbeck.report.findings import CurvePoint

POINTS = 200

Curve = tuple[CurvePoint, ...]


def thin(curve: Sequence[CurvePoint], points: int = POINTS) -> Curve:
    """Returns a curve of at most `points` points.

    Args:
      curve: with ascending steps; each point holds the mean loss since the point before.
      points: the largest number of points.

    Returns:
      `curve` itself if it is short enough. Otherwise its steps are cut into `points` equal stretches. Each stretch has
      one
      point: its last reported step, and the mean loss since the stretch before. The last step is the last of `curve`.
    """
    if len(curve) <= points:
        return tuple(curve)
    last = curve[-1].step
    starts = [0, *(point.step for point in curve[:-1])]
    stretches = itertools.groupby(zip(starts, curve, strict=True), lambda pair: -(-pair[1].step * points // last))
    return tuple(_mean([*stretch]) for _, stretch in stretches)


def _mean(stretch: list[tuple[int, CurvePoint]]) -> CurvePoint:
    first, last = stretch[0][0], stretch[-1][1].step
    total = math.fsum((point.step - start) * point.loss for start, point in stretch)
    return CurvePoint(last, total / (last - first))
