"""The temperature and alpha at an optimizer step: pure functions of the progress of the training.

A Keras callback that counts steps would count from 0 again after a restart. Here the batch itself contains the progress
of the training (`limbeck.trainer.data.batches.Denominators`), and the batch is looked up by its number. So a training
that resumes computes the same values, to the bit.
"""

from __future__ import annotations

import math
from typing import Any

from limbeck.settings.distillation import DistillationConfig


def temperature(config: DistillationConfig, progress: Any) -> Any:
    """Returns the temperature: a float if it is constant, otherwise a float32 scalar. Args are those of `between`."""
    return between(config.used_temperature, config.temperature_end, config.schedule, progress)


def alpha(config: DistillationConfig, progress: Any) -> Any:
    """Returns the share of the transfer objectives: a float if it is constant, otherwise a float32 scalar."""
    return between(config.used_alpha, config.alpha_end, config.schedule, progress)


def between(first: float, last: float | None, schedule: str, progress: Any) -> Any:
    """Returns a value on the way from `first` to `last`.

    With the progress p, it is `first + (last - first) * s`, where s is p for `linear`, and (1 - cos(pi * p)) / 2 for
    `cosine`, which begins and ends slowly.

    Args:
      first: the value at progress 0.
      last: the value at progress 1; None: the value stays `first`.
      schedule: `linear` or `cosine`.
      progress: float32 scalar from 0, at the first optimizer step, to 1, at the last one.

    Returns:
      `first` itself if the value is constant, so that the graph is the same as without a schedule; else a float32
      scalar.
    """
    import tensorflow as tf

    if last is None or last == first:
        return first
    done = tf.cast(progress, tf.float32)
    share = done if schedule == "linear" else (1 - tf.cos(math.pi * done)) / 2
    # Exact at both ends. `first + (last - first) * share` is rounded, and might leave the range of the setting.
    return (1 - share) * first + share * last
