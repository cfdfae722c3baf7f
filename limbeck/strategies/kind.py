"""What there is to say about a strategy, in one class: what it needs, what it refuses, and how it is made.

Settings are refused when they are built, long before TensorFlow is imported; the strategy itself is made in a training
process. A strategy whose parts lay in both places would be half forgotten when it changes. So each is one object,
whose `build` alone imports TensorFlow.
"""

from __future__ import annotations

import abc
import contextlib
from contextlib import AbstractContextManager
from typing import ClassVar, Protocol

from limbeck.aliases import Strategy


class StrategySettings(Protocol):
    """What a strategy is told: `limbeck.settings.strategy.StrategyConfig`."""

    @property
    def workers(self) -> int | None:
        """Training processes; None leaves it to the strategy."""

    @property
    def logical_devices(self) -> int | None:
        """So many devices made of the CPU; None takes the GPUs that there are."""

    @property
    def communication(self) -> str:
        """How gradients are summed: `auto`, `ring` or `nccl`."""


class TrainingSettings(Protocol):
    """What a strategy may refuse of `limbeck.settings.training.TrainingConfig`."""

    @property
    def precision(self) -> str:
        """`float32`, or a Keras policy of mixed precision."""


class StrategyKind(abc.ABC):
    """One strategy.

    Attributes:
      name: in settings (`strategy.name`): that of the class in `tf.distribute`, in snake case.
    """

    name: ClassVar[str]

    def processes(self, settings: StrategySettings) -> int:
        """Returns the number of training processes: one chief, and the others are workers."""
        return 1

    @abc.abstractmethod
    def check(self, settings: StrategySettings) -> None:
        """Raises ConfigError where the settings contradict the strategy; imports no TensorFlow."""

    def check_training(self, training: TrainingSettings) -> None:  # noqa: B027
        """Raises ConfigError where the strategy cannot train like that; by default it can."""

    @abc.abstractmethod
    def build(self, settings: StrategySettings) -> Strategy:
        """Makes the tf.distribute.Strategy of this process, which has not used TensorFlow yet."""

    def variable_scope(self, strategy: Strategy) -> AbstractContextManager[object]:
        """Returns what variables need around them besides `strategy.scope()`.

        Args:
          strategy: any tf.distribute.Strategy. Where it is not of this kind, the context must do nothing.
        """
        return contextlib.nullcontext()
