"""Copies activations to the memory of a machine, so that its device need not hold them. Experimental.

With recomputation, a device keeps the values between blocks. In a deep model they take most of its memory, and the
memory of the machine is larger. But TensorFlow removes a copy to the CPU that is copied back, because the two copies
cancel out. It does not remove the operation `Snapshot`.

Nobody has run this on a GPU. On CPU devices, tests show that gradients do not change, and that the copies are made.
"""

from __future__ import annotations

from typing import Any

from limbeck.aliases import Tensor
from limbeck.errors import ConfigError


def on_host(value: Any) -> Any:
    """Returns a copy of a dense tensor on the first CPU of the context's machine; anything else is returned unchanged.

    An operation that reads the copy brings it back to its own device.
    """
    import tensorflow as tf

    if not isinstance(value, tf.Tensor):
        return value
    # The device that computed the value may belong to another stage, on another machine.
    here = tf.DeviceSpec.from_string(tf.identity(value).device)
    with tf.device(here.replace(device_type="CPU", device_index=0)):
        copy: Tensor = tf.raw_ops.Snapshot(input=value)
    return copy


def assert_swappable(devices: tuple[str, ...] | None = None) -> None:
    """Raises ConfigError if there is no GPU whose memory could be freed.

    Args:
      devices: the devices of the stages of a model; None: the model is on whatever this machine has.
    """
    import tensorflow as tf

    if devices is None:
        missing = "this machine has no GPU" if not tf.config.list_physical_devices("GPU") else ""
    else:
        without = [one for one in devices if "GPU" not in one.upper()]
        missing = f"a stage is on {without[0]}" if without else ""
    if missing:
        raise ConfigError(
            "training.swap copies activations from a GPU to the memory of its machine, but "
            f"{missing}, where both are one memory: leave training.swap out"
        )
