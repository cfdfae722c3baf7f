"""When to end a training before its last epoch: a pure function of what validation has shown so far.

A training that died and goes on must end where it would have ended, so a checkpoint holds the streak. It is not counted
again from the curve: the curve is only shown, and a part of it that is lost must not cost the checkpoint.
"""

from __future__ import annotations

import dataclasses


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
