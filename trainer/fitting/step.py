"""The interface between the training loop and an optimizer step.

If the loop made its own step, it would need a flag for each kind of step, such as accumulation over micro-batches, or
stages on several devices. Here each kind is a class with one method, and the loop depends on none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from limbeck.aliases import Batch, Tensor


class StepResult(NamedTuple):
    """The result of an optimizer step. All attributes are scalars; the first four are the same in every process.

    Attributes:
      loss: float32, the loss of the global batch, in nats.
      learning_rate: float32, the learning rate of the update; NaN if the optimizer has none.
      gradient_norm: float32, the norm of the gradient of the loss, before clipping.
      sound: bool, whether training can go on after the step.
      examples: int64, the number of examples whose gradients this process computed.
    """

    loss: Tensor
    learning_rate: Tensor
    gradient_norm: Tensor
    sound: Tensor
    examples: Tensor


@runtime_checkable
class GroupedStep(Protocol):
    """A `Step` that is faster if it gets several batches at once.

    Attributes:
      together: the best number of batches to give it at once.
    """

    @property
    def together(self) -> int: ...

    def run_together(self, batches: Sequence[Batch]) -> list[StepResult]:
        """Does one step for each batch, as `run` would, one after the other."""


class Step(Protocol):
    """One optimizer step: an update of a model's variables by one global batch."""

    def run(self, batch: Batch) -> StepResult:
        """Does the step. It is called within a tf.function without autograph.

        Args:
          batch: one batch, as `InputPipeline.take` returns it.
        """
