"""The base class of strategies: what a strategy needs, what it refuses, and how it is made.

Settings are checked when they are built, long before TensorFlow is imported. The strategy itself is made later, in a
training process. Code in both places would get out of step. So each strategy is one object, and only its `build`
imports TensorFlow.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import ClassVar, Protocol

from limbeck.aliases import Strategy


class StrategySettings(Protocol):
    """The settings that a strategy reads: those of `limbeck.settings.strategy.StrategyConfig`."""

    @property
    def workers(self) -> int | None:
        """Number of training processes; None leaves it to the strategy."""

    @property
    def logical_devices(self) -> int | None:
        """Number of logical devices on the CPU; None takes the GPUs of the machine."""

    @property
    def communication(self) -> str:
        """How gradients are summed: `auto`, `ring` or `nccl`."""

    @property
    def parameter_servers(self) -> int | None:
        """Number of processes that keep variables; None leaves it to the strategy."""


class TrainingSettings(Protocol):
    """The settings of `limbeck.settings.training.TrainingConfig` that a strategy may refuse."""

    @property
    def precision(self) -> str:
        """`float32`, or a Keras policy of mixed precision."""

    @property
    def recompute(self) -> str:
        """Which activations are computed again in the backward pass: `none`, or some."""

    @property
    def accumulate(self) -> int:
        """Number of micro-batches of a batch."""

    @property
    def early_stopping_patience(self) -> int | None:
        """Validations without a better loss after which a training ends."""


class StrategyKind(abc.ABC):
    """One strategy.

    Attributes:
      name: its name in the settings (`strategy.name`): the class in `tf.distribute`, in snake case.
      fixed_shapes: whether all batches must have the same size. Then a smaller last batch is left out.
      asynchronous: whether the chief alone runs the training, and the other processes do what it asks.
    """

    name: ClassVar[str]
    fixed_shapes: ClassVar[bool] = False
    asynchronous: ClassVar[bool] = False

    def processes(self, settings: StrategySettings) -> int:
        """Returns the number of training processes: one chief, and workers."""
        return 1

    def servers(self, settings: StrategySettings) -> int:
        """Returns how many of the processes keep variables for the others."""
        return 0

    @abc.abstractmethod
    def check(self, settings: StrategySettings) -> None:
        """Raises ConfigError if the settings contradict the strategy. Imports no TensorFlow."""

    def check_training(self, training: TrainingSettings) -> None:  # noqa: B027
        """Raises ConfigError if the strategy cannot train with these settings. By default it can."""

    def check_machine(self, environment: Mapping[str, str]) -> None:  # noqa: B027
        """Raises ConfigError if a machine with these variables cannot train. By default it can."""

    @abc.abstractmethod
    def build(self, settings: StrategySettings) -> Strategy:
        """Returns the tf.distribute.Strategy of this process. The process must not have used TensorFlow before."""

    def leave(self) -> None:  # noqa: B027
        """Ends what `build` began, when this process needs no further sum. By default there is nothing to end."""

    def variable_scope(self, strategy: Strategy) -> AbstractContextManager[object]:
        """Returns a context that variables need in addition to `strategy.scope()`.

        Args:
          strategy: any tf.distribute.Strategy. If it is of another kind, the context does nothing.
        """
        return contextlib.nullcontext()
