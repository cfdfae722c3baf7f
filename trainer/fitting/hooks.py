"""What happens in a training beside its steps: validation, reports, checkpoints, and a request to end.

All hang on the returns to Python between two calls of several steps; each says at which step the next is due.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from trainer.fitting.evaluation import Evaluation
from trainer.fitting.progress import Fitted, TrainingProgress


@dataclasses.dataclass(frozen=True)
class Validation:
    """Evaluates while training goes on, and ends it early.

    Attributes:
      evaluate: called in every process at the same steps; gives the same in all.
      next_due: step count -> the next above it at which to evaluate.
      patience: training ends after so many evaluations in a row without a lower loss.
    """

    evaluate: Callable[[], Evaluation]
    next_due: Callable[[int], int]
    patience: int


@dataclasses.dataclass(frozen=True)
class Hooks:
    """What is to happen between calls, in this order.

    Attributes:
      validation: None: there is none.
      report: is told of the progress after every call.
      save: is given what was done so far at every multiple of `save_every`, at the end, and before `PreemptedError`
        is raised. Every process calls it at the same steps.
      save_every: optimizer steps.
      stop_requested: is asked after every call, and gives the same answer in every process; at True all save and end.
    """

    validation: Validation | None = None
    report: Callable[[TrainingProgress], None] | None = None
    save: Callable[[Fitted], None] | None = None
    save_every: int = 500
    stop_requested: Callable[[], bool] | None = None

    def next_save(self, done: int) -> int | float:
        """The next multiple of `save_every`."""
        return (done // self.save_every + 1) * self.save_every if self.save else math.inf

    def next_validation(self, done: int) -> int | float:
        """The next step count at which to evaluate."""
        return self.validation.next_due(done) if self.validation else math.inf
