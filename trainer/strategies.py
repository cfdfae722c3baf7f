"""Configuration -> `tf.distribute.Strategy`: the only place that names one."""

from __future__ import annotations

from typing import Any

from trainer.config import StrategyConfig


def build(config: StrategyConfig) -> Any:
    """Makes the strategy of this process.

    `multi_worker_mirrored` (all-reduce of gradients over all processes of TF_CONFIG; one replica a GPU, or one a
    process without GPUs) joins the cluster and blocks until every process has. `one_device` takes the first GPU,
    or the CPU.
    """
    import tensorflow as tf

    if config.name == "one_device":
        gpu = tf.config.list_physical_devices("GPU")
        return tf.distribute.OneDeviceStrategy("/gpu:0" if gpu else "/cpu:0")
    return tf.distribute.MultiWorkerMirroredStrategy()
