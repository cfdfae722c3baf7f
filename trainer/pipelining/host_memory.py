"""Copies activations to the memory of a machine, so that its device need not hold them. Experimental.

With recomputation, a device keeps what goes from block to block. In a deep model this is most of what it holds, and the
memory of the machine is larger. A tensor that is copied to the CPU and back would stay on the CPU only in the program
text: TensorFlow takes two copies that undo each other for none, and drops them. `Snapshot` is an operation that it
leaves alone.

Nobody has run this on a GPU. On CPU devices it was shown that gradients stay as they are, and that the copies are made.
"""

from __future__ import annotations

from typing import Any

from limbeck.aliases import Tensor
from limbeck.errors import ConfigError


def on_host(value: Any) -> Any:
    """Returns a copy of a tensor on the first CPU beside the device of the context; what is no dense tensor, as it is.

    An operation that reads it brings it back to its own device.
    """
    import tensorflow as tf

    if not isinstance(value, tf.Tensor):
        return value
    # The device that made the value may be that of another stage, on another machine.
    here = tf.DeviceSpec.from_string(tf.identity(value).device)
    with tf.device(here.replace(device_type="CPU", device_index=0)):
        copy: Tensor = tf.raw_ops.Snapshot(input=value)
    return copy


def assert_swappable(devices: tuple[str, ...] | None = None) -> None:
    """Raises ConfigError if there is no GPU to free the memory of.

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
