"""Strategy `one_device`: one replica. It is the reference for all other strategies."""

from __future__ import annotations

from limbeck.aliases import Strategy
from limbeck.strategies import devices, rules
from limbeck.strategies.kind import StrategyKind, StrategySettings


class OneDevice(StrategyKind):
    """One process, on its first GPU, or on the CPU."""

    name = "one_device"

    def check(self, settings: StrategySettings) -> None:
        """Refuses several processes, logical devices, and a choice of communication."""
        rules.assert_no_servers(self.name, settings)
        rules.assert_one_process(self.name, settings)
        rules.assert_no_logical_devices(self.name, settings)
        rules.assert_no_communication(self.name, settings)

    def build(self, settings: StrategySettings) -> Strategy:
        """Returns a tf.distribute.OneDeviceStrategy."""
        import tensorflow as tf

        return tf.distribute.OneDeviceStrategy("/gpu:0" if devices.gpu_count() else "/cpu:0")
