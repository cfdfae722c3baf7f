"""The devices of the stages: those of their processes, GPUs of one, or logical devices made of its CPU.

Every function imports TensorFlow.
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.trainer.distribution import stage_processes


def of(settings: PipeliningConfig) -> tuple[str, ...]:
    """Returns the name of the device of each stage. Call it before TensorFlow runs anything; it may be called again.

    Raises:
      ConfigError: if the machine has GPUs, but too few.
    """
    return stage_processes.connect() if settings.processes > 1 else configure(settings.stages)


def configure(stages: int) -> tuple[str, ...]:
    """Returns the name of the device of each stage.

    Call it before TensorFlow runs anything: from then on, the devices of a process are fixed. Afterwards it may be
    called again, and returns the same.

    Raises:
      ConfigError: if the machine has GPUs, but too few.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        if len(gpus) < stages:
            raise ConfigError(
                f"each stage has a device of its own, but pipelining.stages is {stages} and this machine has "
                f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}: lower pipelining.stages, or take a machine with more"
            )
        for gpu in gpus:
            # Otherwise the process takes all memory of every GPU.
            tf.config.experimental.set_memory_growth(gpu, True)
        return tuple(f"/gpu:{number}" for number in range(stages))
    (processor,) = tf.config.list_physical_devices("CPU")
    there = tf.config.get_logical_device_configuration(processor)
    if there is None or len(there) < stages:
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * stages)
    return tuple(f"/cpu:{number}" for number in range(stages))
