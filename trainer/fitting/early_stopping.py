"""When to end a training before its last epoch: a pure function of what validation has shown so far.

A rule that keeps counters of its own must save them, or a training that died and went on ends elsewhere. This one
needs nothing but the figures, which are kept anyway.
"""

from __future__ import annotations

from collections.abc import Sequence


def is_over(losses: Sequence[float], patience: int) -> bool:
    """Whether none of the last `patience` losses is lower than the lowest before them.

    A loss that is not a number counts as not lower.
    """
    best, since = float("inf"), 0
    for loss in losses:
        best, since = (loss, 0) if loss < best else (best, since + 1)
    return since >= patience
