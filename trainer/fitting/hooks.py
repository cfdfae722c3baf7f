"""Hooks of the training loop: validation, reports, checkpoints, and the request to end.

Several optimizer steps run in one call of a graph, so nothing can happen between any two steps. Each hook says at which
step it is due next. The loop ends its call there, and the hook runs in Python.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from limbeck.trainer.fitting.evaluation import Evaluation
from limbeck.trainer.fitting.progress import Fitted, TrainingProgress


@dataclasses.dataclass(frozen=True)
class Validation:
    """Evaluates the model during training, and may end the training early.

    Attributes:
      evaluate: evaluates the model. Every process calls it at the same steps, and gets the same result.
      next_due: takes a step count, and returns the next step count at which to evaluate.
      patience: training ends after this many evaluations in a row without a lower loss. None: it never ends early.
    """

    evaluate: Callable[[], Evaluation]
    next_due: Callable[[int], int]
    patience: int | None


@dataclasses.dataclass(frozen=True)
class Hooks:
    """What the loop does between its calls, in this order.

    Attributes:
      validation: the validation; None: there is no validation.
      report: takes the progress after every call.
      save: saves what was done so far. It is called at every multiple of `save_every`, at the end, and before
        `PreemptedError` is raised. Every process calls it at the same steps.
      save_every: optimizer steps between two saves.
      stop_requested: returns whether the training must end. It is called after every call, and returns the same in
        every process. If it is True, all processes save and end.
    """

    validation: Validation | None = None
    report: Callable[[TrainingProgress], None] | None = None
    save: Callable[[Fitted], None] | None = None
    save_every: int = 500
    stop_requested: Callable[[], bool] | None = None

    def next_save(self, done: int) -> int | float:
        """Returns the next step count at which to save; infinity if nothing is saved."""
        return (done // self.save_every + 1) * self.save_every if self.save else math.inf

    def next_validation(self, done: int) -> int | float:
        """Returns the next step count at which to evaluate; infinity if there is no validation."""
        return self.validation.next_due(done) if self.validation else math.inf
