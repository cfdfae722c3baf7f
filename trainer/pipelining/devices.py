"""The devices of the stages: devices of several processes, GPUs of one process, or logical devices of its CPU.

Every function imports TensorFlow.
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.trainer.distribution import stage_processes


def of(settings: PipeliningConfig) -> tuple[str, ...]:
    """Returns the names of the devices of all stages: those of the first replica, then those of the second, and so on.

    Call it before TensorFlow runs anything; it may be called again.

    Raises:
      ConfigError: if the machine has GPUs, but too few.
    """
    if settings.processes > 1:
        return stage_processes.connect()
    return configure(settings.stages, settings.replicas)


def configure(stages: int, replicas: int = 1) -> tuple[str, ...]:
    """Returns the names of the devices of all stages, in the order of `of`.

    Call it before TensorFlow runs anything: from then on, the devices of a process are fixed. Afterwards it may be
    called again, and returns the same.

    Raises:
      ConfigError: if the machine has GPUs, but too few.
    """
    import tensorflow as tf

    count, gpus = stages * replicas, tf.config.list_physical_devices("GPU")
    if gpus:
        if len(gpus) < count:
            copies = f", pipelining.replicas is {replicas}" if replicas > 1 else ""
            raise ConfigError(
                f"each stage has a device of its own, but pipelining.stages is {stages}{copies} and this machine has "
                f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}: lower pipelining.stages, or take a machine with more"
            )
        for gpu in gpus:
            # Otherwise the process takes all memory of every GPU.
            tf.config.experimental.set_memory_growth(gpu, True)
        return tuple(f"/gpu:{number}" for number in range(count))
    (processor,) = tf.config.list_physical_devices("CPU")
    there = tf.config.get_logical_device_configuration(processor)
    if there is None or len(there) < count:
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)
    return tuple(f"/cpu:{number}" for number in range(count))
