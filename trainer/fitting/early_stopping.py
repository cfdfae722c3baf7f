"""When to end a training before its last epoch: a pure function of what validation has shown so far.

A rule that keeps counters of its own must save them, or a training that died and went on ends elsewhere. This one
needs nothing but the figures, which are kept anyway: a training that goes on counts them again, once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Streak:
    """How long validation has shown nothing better.

    Attributes:
      best: the lowest loss; infinite before the first.
      since: evaluations since then.
    """

    best: float = float("inf")
    since: int = 0

    def after(self, loss: float) -> Streak:
        """The streak after one more evaluation. A loss that is not a number counts as not lower."""
        return Streak(loss, 0) if loss < self.best else Streak(self.best, self.since + 1)


def streak_of(losses: Iterable[float]) -> Streak:
    """The streak after these evaluations, oldest first."""
    streak = Streak()
    for loss in losses:
        streak = streak.after(loss)
    return streak
