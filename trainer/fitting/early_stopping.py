"""Counts the validations without a lower loss, so that a training can end before its last epoch.

A rule with counters of its own must save them. Otherwise a training that was resumed would end at another step. This
rule is a pure function of the validation losses, which a checkpoint holds anyway. A resumed training counts them again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Streak:
    """The number of validations since the lowest loss.

    Attributes:
      best: the lowest loss, in nats; infinite before the first validation.
      since: number of validations after it.
    """

    best: float = float("inf")
    since: int = 0

    def after(self, loss: float) -> Streak:
        """Returns the streak after one more validation. NaN counts as a loss that is not lower."""
        return Streak(loss, 0) if loss < self.best else Streak(self.best, self.since + 1)


def streak_of(losses: Iterable[float]) -> Streak:
    """Returns the streak after validations with these losses, oldest first."""
    streak = Streak()
    for loss in losses:
        streak = streak.after(loss)
    return streak
