"""What the training loop asks of a step: the seam between "several steps in one graph" and what a step computes.

A loop that made its own step would need a flag for each way to make one: accumulation over micro-batches, stages on
several devices. Here each is a class of its own with one method, and the loop knows none of them.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from limbeck.aliases import Batch, Tensor


class StepResult(NamedTuple):
    """What came of an optimizer step.

    The first four are scalars that are the same in every process.

    Attributes:
      loss: float32, of the global batch, in nats.
      learning_rate: float32, of the update; NaN where the optimizer has none.
      gradient_norm: float32, of the gradient of the loss, before clipping.
      sound: bool, whether training can go on from it.
      examples: int64, how many examples this process computed gradients of.
    """

    loss: Tensor
    learning_rate: Tensor
    gradient_norm: Tensor
    sound: Tensor
    examples: Tensor


class Step(Protocol):
    """One optimizer step: an update of a model's variables by one global batch."""

    def run(self, batch: Batch) -> StepResult:
        """Does the step; called within a tf.function, and not rewritten by autograph.

        Args:
          batch: what the `InputPipeline` beside it takes.
        """
