"""The devices of a process: its GPUs, or logical devices on the CPU. Every function imports TensorFlow."""

from __future__ import annotations

from limbeck.strategies.kind import StrategySettings


def gpu_count() -> int:
    """Returns the number of GPUs that TensorFlow sees."""
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def names(settings: StrategySettings) -> list[str]:
    """Returns the devices of the replicas: logical ones if the settings ask for them, else the GPUs, else the CPU.

    Call it before TensorFlow runs anything: from then on, the devices of a process are fixed.
    """
    import tensorflow as tf

    if settings.logical_devices is None:
        return [f"/gpu:{number}" for number in range(gpu_count())] or ["/cpu:0"]
    logical = [tf.config.LogicalDeviceConfiguration()] * settings.logical_devices
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    return [f"/cpu:{number}" for number in range(settings.logical_devices)]
