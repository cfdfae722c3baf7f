"""Strategy `parameter_server`: workers compute gradients without waiting for each other, and servers keep the
variables.

No worker waits for another, so a lost worker does not stop the training. But other workers may have changed the
variables before a gradient is applied. So two trainings differ, and neither equals the training of one process.
"""

from __future__ import annotations

from limbeck.aliases import Strategy
from limbeck.errors import ConfigError
from limbeck.strategies import rules
from limbeck.strategies.kind import StrategyKind, StrategySettings, TrainingSettings

_SHARD_BYTES = 256 << 10


class ParameterServer(StrategyKind):
    """A chief that hands out batches, workers, and servers that keep the variables."""

    name = "parameter_server"
    asynchronous = True

    def processes(self, settings: StrategySettings) -> int:
        """Returns the number of the chief, the workers and the servers."""
        return 1 + (settings.workers or 2) + self.servers(settings)

    def servers(self, settings: StrategySettings) -> int:
        """Returns `parameter_servers`, or 1 if it is not set."""
        return settings.parameter_servers or 1

    def check(self, settings: StrategySettings) -> None:
        """Refuses logical devices, and a choice of communication."""
        rules.assert_no_logical_devices(self.name, settings)
        rules.assert_no_communication(self.name, settings)

    def check_training(self, training: TrainingSettings) -> None:
        """Refuses mixed precision, recomputation, micro-batches, and early stopping."""
        if training.precision != "float32":
            raise ConfigError(
                f"workers of strategy '{self.name}' share no loss scale, but training.precision is "
                f"{training.precision}: take training.precision=float32, or strategy.name=multi_worker_mirrored"
            )
        if training.recompute != "none":
            raise ConfigError(
                f"strategy '{self.name}' keeps all activations, but training.recompute is {training.recompute}: leave "
                "it out, or take strategy.name=multi_worker_mirrored"
            )
        if training.accumulate != 1:
            raise ConfigError(
                f"strategy '{self.name}' applies the gradient of each batch as it comes, but training.accumulate is "
                f"{training.accumulate}: leave it out and take a smaller training.batch_size, or "
                "strategy.name=multi_worker_mirrored"
            )
        if training.early_stopping_patience is not None:
            raise ConfigError(
                f"strategy '{self.name}' does not stop at an exact step, but training.early_stopping_patience is "
                f"{training.early_stopping_patience}: leave it out, or take strategy.name=multi_worker_mirrored"
            )

    def build(self, settings: StrategySettings) -> Strategy:
        """Returns a tf.distribute.ParameterServerStrategy. It blocks until every worker and server can be reached."""
        import tensorflow as tf

        partitioner = tf.distribute.experimental.partitioners.MinSizePartitioner(
            _SHARD_BYTES, max_shards=self.servers(settings)
        )
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver(rpc_layer="grpc")
        return tf.distribute.ParameterServerStrategy(resolver, variable_partitioner=partitioner)
