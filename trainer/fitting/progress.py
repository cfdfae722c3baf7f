"""What is told of a training while it runs and when it is done: reports, checkpoints and the history are made of it."""

from __future__ import annotations

import dataclasses

from trainer.fitting.evaluation import Evaluation


@dataclasses.dataclass(frozen=True)
class TrainingProgress:
    """Where a training stands.

    Attributes:
      step: optimizer steps done.
      steps: of all.
      loss: mean since the last report, in nats.
      learning_rate: of the last step; None where the optimizer has none.
      gradient_norm: of the last step, before clipping; None where it overflowed float16 and the step was skipped.
      validation: where it was due after this step.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float | None = None
    gradient_norm: float | None = None
    validation: Evaluation | None = None


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What this process did: steps, examples that it computed gradients of, seconds, and the loss curve."""

    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    curve: tuple[TrainingProgress, ...] = ()
