"""Loss curves, thinned to what a screen can show.

Every n-th point would be as noisy as the whole and would miss what happens in between. The mean over a stretch of
steps loses nothing: the mean over the whole training stays what it was.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from report.findings import CurvePoint

POINTS = 200

Curve = tuple[CurvePoint, ...]


def thin(curve: Sequence[CurvePoint], points: int = POINTS) -> Curve:
    """Makes of a curve one of at most `points` points.

    Args:
      curve: with ascending steps; each point holds the mean loss since the point before.
      points: the most there may be.

    Returns:
      The curve itself where it is short enough. Otherwise all its steps in `points` equal stretches, each with a
      point at the last step that was reported in it and the mean loss since the stretch before. The last step is that
      of `curve`.
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
