"""Counts the validations without a lower loss, so that a training can end before its last epoch.

A resumed training must end at the same step as an uninterrupted one. So a checkpoint holds the streak. The streak is
not counted from the curve: the curve is only displayed, and a checkpoint must be usable even if a part of the curve is
lost.
"""

from __future__ import annotations

import dataclasses


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
