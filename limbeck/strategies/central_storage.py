"""Strategy `central_storage`: a replica on each device of one process, with the variables on the CPU.

Keras' optimizers fail under this strategy. `variable_scope` makes them work.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from limbeck.aliases import Strategy, Variable
from limbeck.errors import ConfigError
from limbeck.strategies import devices, rules
from limbeck.strategies.kind import StrategyKind, StrategySettings, TrainingSettings


class CentralStorage(StrategyKind):
    """One process, on all its GPUs, or on logical devices."""

    name = "central_storage"

    def check(self, settings: StrategySettings) -> None:
        """Refuses several processes, and refuses a choice of communication, because the CPU sums the gradients."""
        rules.assert_no_servers(self.name, settings)
        rules.assert_one_process(self.name, settings)
        rules.assert_no_communication(self.name, settings)

    def check_training(self, training: TrainingSettings) -> None:
        """Refuses mixed precision."""
        if training.precision != "float32":
            raise ConfigError(
                f"Keras has no mixed precision under strategy '{self.name}', but training.precision is "
                f"{training.precision}: take training.precision=float32, or strategy.name=mirrored"
            )

    def build(self, settings: StrategySettings) -> Strategy:
        """Returns a tf.distribute.experimental.CentralStorageStrategy."""
        import tensorflow as tf

        strategy = tf.distribute.experimental.CentralStorageStrategy(devices.names(settings), "/cpu:0")
        # Batch normalisation then ignores the empty part of a small batch, as under the other strategies.
        strategy.extended.enable_partial_batch_handling = True
        return strategy

    def variable_scope(self, strategy: Strategy) -> AbstractContextManager[object]:
        """Returns a context that gives every variable an aggregation: how the values of replicas become one.

        Keras' optimizers assign the learning rate, which is equal on all replicas, to a variable without an
        aggregation.
        """
        import tensorflow as tf

        def creator(create: Any, **options: Any) -> Variable:
            if options.get("aggregation") in (None, tf.VariableAggregation.NONE):
                options["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
            return create(**options)

        if isinstance(strategy, tf.distribute.experimental.CentralStorageStrategy):
            scope: AbstractContextManager[object] = tf.variable_creator_scope(creator)
            return scope
        return contextlib.nullcontext()
