"""Strategy `tpu`: a replica on each core of the TPU of one machine. It was never run, because no TPU was available.

XLA compiles a step for one shape. So all batches have the same size, and a smaller last batch is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from limbeck.aliases import Strategy
from limbeck.errors import ConfigError
from limbeck.strategies import rules
from limbeck.strategies.kind import StrategyKind, StrategySettings, TrainingSettings

_VARIABLES = ("TPU_NAME", "TPU_WORKER_HOSTNAMES")


class Tpu(StrategyKind):
    """One process, on all cores of its TPU."""

    name = "tpu"
    fixed_shapes = True

    def check(self, settings: StrategySettings) -> None:
        """Refuses several processes, logical devices, and a choice of communication."""
        rules.assert_no_servers(self.name, settings)
        rules.assert_one_process(self.name, settings)
        rules.assert_no_logical_devices(self.name, settings)
        rules.assert_no_communication(self.name, settings)

    def check_training(self, training: TrainingSettings) -> None:
        """Refuses float16, which a TPU does not compute with."""
        if training.precision == "mixed_float16":
            raise ConfigError(
                "a TPU has no float16, but training.precision is mixed_float16: take training.precision=mixed_bfloat16"
            )

    def check_machine(self, environment: Mapping[str, str], devices: Path = Path("/dev")) -> None:
        """Refuses a machine without a TPU: no `/dev/accel*`, and no variable that names one."""
        if any(map(environment.get, _VARIABLES)) or any(devices.glob("accel*")):
            return
        raise ConfigError(
            "strategy 'tpu' needs a TPU, and this machine has none (no /dev/accel*, and TPU_NAME is not set): take "
            "strategy.name=one_device or mirrored, or train on a machine with a TPU"
        )

    def build(self, settings: StrategySettings) -> Strategy:
        """Returns a tf.distribute.TPUStrategy."""
        import os

        import tensorflow as tf

        self.check_machine(os.environ)
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(os.environ.get("TPU_NAME", "local"))
        if resolver.master():
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
