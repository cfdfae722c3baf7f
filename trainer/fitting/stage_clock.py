"""`StageClock`: the step count and the learning rate of one stage, which is not updated together with the others.

Without a flush, one stage is some updates ahead of another. An optimizer has one step count, which Adam's bias
correction and the schedule of the learning rate use. So each stage has its own count during a call, on its device.
Between two calls, when checkpoints are written, all counts are equal, so only the optimizer's count is saved.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from limbeck.aliases import Optimizer, Variable


@dataclasses.dataclass(frozen=True, eq=False)
class StageClock:
    """The clock of a stage.

    Attributes:
      iterations: the step count, an int64 variable.
      rate: the learning rate, a float32 variable; None if the optimizer has no schedule.
    """

    iterations: Variable
    rate: Variable | None

    @classmethod
    def of(cls, optimizer: Optimizer, device: str) -> StageClock:
        """Makes the clock of a stage on a device. The optimizer must be built."""
        import tensorflow as tf

        with tf.device(device):
            rate = getattr(optimizer, "_current_learning_rate", None)
            return cls(
                tf.Variable(0, dtype=tf.int64, trainable=False),
                None if rate is None else tf.Variable(0, dtype=rate.dtype, trainable=False),
            )

    def start(self, optimizer: Optimizer) -> list[Any]:
        """Sets the clock to the step count of the optimizer, in a graph. Returns operations."""
        return [self.iterations.assign(optimizer.iterations.read_value()).op]

    @contextlib.contextmanager
    def shown_to(self, optimizer: Optimizer) -> Iterator[None]:
        """Returns a context in which the optimizer uses this clock."""
        mine: dict[str, Any] = {"_iterations": self.iterations}
        if self.rate is not None:
            mine["_current_learning_rate"] = self.rate
        before = {name: getattr(optimizer, name) for name in mine}
        try:
            for name, one in mine.items():
                # Bypasses Keras, which would track the variable and so write it into checkpoints.
                object.__setattr__(optimizer, name, one)
            yield
        finally:
            for name, one in before.items():
                object.__setattr__(optimizer, name, one)
