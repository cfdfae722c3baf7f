"""Counts the validations without a lower loss, so that a training can end before its last epoch.

A training that was resumed must end at the step where it would have ended. So a checkpoint holds the streak. It is not
counted again from the curve: the curve is only shown, and a lost part of it must not cost the checkpoint.
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
