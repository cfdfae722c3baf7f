"""Strategy `multi_worker_mirrored`: several processes, with a replica on each of their GPUs, or one on the CPU."""

from __future__ import annotations

from limbeck.aliases import Strategy
from limbeck.strategies import rules
from limbeck.strategies.kind import StrategyKind, StrategySettings


class MultiWorkerMirrored(StrategyKind):
    """A chief and workers. All of them train; gradients are summed over the network."""

    name = "multi_worker_mirrored"

    def processes(self, settings: StrategySettings) -> int:
        """Returns `workers`, or 2 if it is not set."""
        return settings.workers or 2

    def check(self, settings: StrategySettings) -> None:
        """Refuses logical devices."""
        rules.assert_no_servers(self.name, settings)
        rules.assert_no_logical_devices(self.name, settings)

    def build(self, settings: StrategySettings) -> Strategy:
        """Returns a tf.distribute.MultiWorkerMirroredStrategy.

        It joins the cluster of TF_CONFIG, and blocks until every process has joined.
        """
        import tensorflow as tf

        implementation = tf.distribute.experimental.CommunicationImplementation(settings.communication.upper())
        options = tf.distribute.experimental.CommunicationOptions(implementation=implementation)
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
