"""Strategy `mirrored`: a replica on each device of one process. Each replica has all variables."""

from __future__ import annotations

from typing import Any

from limbeck.aliases import Strategy
from limbeck.strategies import devices, rules
from limbeck.strategies.kind import StrategyKind, StrategySettings


class Mirrored(StrategyKind):
    """One process, on all its GPUs, or on logical devices."""

    name = "mirrored"

    def check(self, settings: StrategySettings) -> None:
        """Refuses several processes. On logical devices, it also refuses a choice of communication."""
        rules.assert_no_servers(self.name, settings)
        rules.assert_one_process(self.name, settings)
        if settings.logical_devices is not None:
            rules.assert_no_communication(self.name, settings)

    def build(self, settings: StrategySettings) -> Strategy:
        """Returns a tf.distribute.MirroredStrategy."""
        import tensorflow as tf

        names = devices.names(settings)
        return tf.distribute.MirroredStrategy(names, _cross_device(settings, names))


def _cross_device(settings: StrategySettings, names: list[str]) -> Any:
    """Returns the tf.distribute.CrossDeviceOps that sums gradients; None leaves the choice to TensorFlow."""
    import tensorflow as tf

    if not names[0].startswith("/gpu"):
        return tf.distribute.ReductionToOneDevice()
    return {
        "auto": None,
        "nccl": tf.distribute.NcclAllReduce(),
        "ring": tf.distribute.HierarchicalCopyAllReduce(),
    }[settings.communication]
