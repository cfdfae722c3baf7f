"""Configuration -> `tf.distribute.Strategy`: the only place that names one.

Of the four, `central_storage` is the one that Keras' optimizers do not work under as they are: `scope` makes them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from limbeck.errors import ConfigError
from limbeck.settings.strategy import StrategyConfig


def build(config: StrategyConfig) -> Any:
    """Makes the strategy of this process; call it before anything else has used TensorFlow.

    `multi_worker_mirrored` joins the cluster of TF_CONFIG and blocks until every process has.

    Raises:
      ConfigError: where the machine has not what the configuration asks for.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        # Otherwise the first process takes all memory of the device.
        tf.config.experimental.set_memory_growth(gpu, True)
    if config.communication == "nccl" and not gpus:
        raise ConfigError("strategy.communication=nccl needs GPUs, and there is none: take ring or auto")
    if config.name == "multi_worker_mirrored":
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=_communication(config))
    if config.name == "one_device":
        return tf.distribute.OneDeviceStrategy("/gpu:0" if gpus else "/cpu:0")
    devices = _devices(config, len(gpus))
    if config.name == "mirrored":
        return tf.distribute.MirroredStrategy(devices, _cross_device(config, devices))
    strategy = tf.distribute.experimental.CentralStorageStrategy(devices, "/cpu:0")
    # Has batch normalisation pass over the empty part of a small batch, as under the other strategies.
    strategy.extended.enable_partial_batch_handling = True
    return strategy


@contextlib.contextmanager
def scope(strategy: Any) -> Iterator[None]:
    """`strategy.scope()`, in which a Keras optimizer may be built under every strategy.

    Under `central_storage` a variable that replicas assign to must say how their values become one. Keras' optimizers
    assign the learning rate, the same on each replica, to a variable that does not say.
    """
    import tensorflow as tf

    def creator(create: Any, **options: Any) -> Any:
        if options.get("aggregation") in (None, tf.VariableAggregation.NONE):
            options["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
        return create(**options)

    central = isinstance(strategy, tf.distribute.experimental.CentralStorageStrategy)
    with strategy.scope(), tf.variable_creator_scope(creator) if central else contextlib.nullcontext():
        yield


def local_replicas(strategy: Any) -> list[int]:
    """Numbers, within the job, of the replicas of this process."""
    import tensorflow as tf

    found: list[int] = []

    def note(context: Any) -> Any:
        found.append(int(context.replica_id_in_sync_group))
        return tf.constant(0)

    strategy.experimental_distribute_values_from_function(note)
    return found


def _communication(config: StrategyConfig) -> Any:
    import tensorflow as tf

    return tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation(config.communication.upper())
    )


def _devices(config: StrategyConfig, gpus: int) -> list[str]:
    import tensorflow as tf

    if config.logical_devices is None:
        return [f"/gpu:{number}" for number in range(gpus)] or ["/cpu:0"]
    logical = [tf.config.LogicalDeviceConfiguration()] * config.logical_devices
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    return [f"/cpu:{number}" for number in range(config.logical_devices)]


def _cross_device(config: StrategyConfig, devices: list[str]) -> Any:
    import tensorflow as tf

    if not devices[0].startswith("/gpu"):
        return tf.distribute.ReductionToOneDevice()
    return {
        "auto": None,
        "nccl": tf.distribute.NcclAllReduce(),
        "ring": tf.distribute.HierarchicalCopyAllReduce(),
    }[config.communication]
