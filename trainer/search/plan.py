"""Plans a search within its budget: which candidates are trained to the end, and how long the others are tried.

Trials that are all as long as the training itself would cost a multiple of it for each further candidate. Trials that
are all short choose for a short training: the best temperature depends on its length. So a search has two rounds, as
the successive halving of Jamieson and Talwalkar (2016, arXiv:1502.07943) with one halving. The first round is short,
and finds the losses that are worth training to the end. The second round trains labels alone, the usual setting and the
best of the first round to the end. So a finished student is chosen, and compared with other finished students.
"""

from __future__ import annotations

import dataclasses

from limbeck.trainer.data.order import Order

# Labels alone, the usual setting, and the best of the others.
_FINALISTS = 3


@dataclasses.dataclass(frozen=True)
class Plan:
    """The trials of a search. Candidates are numbered from 0, in their order.

    Attributes:
      finalists: candidates that are trained to the end in any case.
      screened: candidates that are tried for a short time; empty if there is no first round.
      places: how many of `screened` are then also trained to the end.
      epochs: passes over the training split of a short trial; 0 if there is none.
      short_steps: optimizer steps of a short trial.
      full_steps: optimizer steps of the student.
    """

    finalists: tuple[int, ...]
    screened: tuple[int, ...]
    places: int
    epochs: int
    short_steps: int
    full_steps: int

    @property
    def trials(self) -> int:
        """Number of all trainings."""
        return len(self.screened) + len(self.finalists) + self.places

    @property
    def steps(self) -> int:
        """Optimizer steps of all trainings together."""
        return len(self.screened) * self.short_steps + (len(self.finalists) + self.places) * self.full_steps


def plan(candidates: int, budget: float, order: Order) -> Plan:
    """Plans a search. Its steps are at most `budget` times those of the student.

    Args:
      candidates: number of candidates, at least 2. The most promising comes first.
      budget: the budget, at least 2.
      order: the order in which the student is trained. It says how many steps a number of epochs takes.
    """
    full = order.steps
    if candidates <= budget:
        return Plan(tuple(range(candidates)), (), 0, 0, 0, full)
    places = min(_FINALISTS, int(budget))
    kept = max(places - 1, 1)
    screened = tuple(range(kept, candidates))
    left = int((budget - places) * full) // len(screened)
    # The last batch of a training may be smaller, so epochs do not all have the same number of steps.
    epochs = min(max(0, left * order.batch_size // order.examples), order.epochs - 1)
    if epochs < 1:
        return Plan(tuple(range(places)), (), 0, 0, 0, full)
    short = dataclasses.replace(order, epochs=epochs).steps
    return Plan(tuple(range(kept)), screened, places - kept, epochs, short, full)
