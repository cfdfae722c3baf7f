"""Turns the gradients of the replicas into one update: sums, norm, clipping, and the schedule of the learning rate.

An optimizer with `clipnorm` clips the gradients that it is given. Under `tf.distribute` these may be the gradients of
one replica, and then the steps of several workers differ from the steps of one. Here gradients are summed over all
replicas first. Then each replica clips the same sum by the same norm.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from limbeck.aliases import Gradient, LearningRate, Optimizer, Tensor
from limbeck.settings.training import TrainingConfig


def sums(values: Sequence[Gradient]) -> list[Gradient]:
    """Sums each value over all replicas; call it in a replica context.

    Args:
      values: tensors or IndexedSlices. Each has the same shape and dtype on every replica.

    Returns:
      The sums, the same on every replica, in the order of `values`.
    """
    import tensorflow as tf

    replica = tf.distribute.get_replica_context()
    if not tf.distribute.has_strategy():
        # With one replica, nothing is summed: a sum would send the gradients of all stages to the device of the first,
        # and back.
        return list(values)
    found: dict[int, Gradient] = {}
    # All values of one type are sent in one message. Processes cannot send values of different types in one message.
    for dtype in dict.fromkeys(value.dtype for value in values):
        places = [place for place, value in enumerate(values) if value.dtype == dtype]
        found |= zip(places, replica.all_reduce("SUM", [values[place] for place in places]), strict=True)
    return [found[place] for place in range(len(values))]


def global_norm(gradients: Sequence[Gradient]) -> Tensor:
    """Returns the Euclidean norm of all gradients as one vector: a float32 scalar.

    The gradient of an embedding may hold several slices of the same row. They are added up first, as in the update.
    """
    import tensorflow as tf

    return tf.linalg.global_norm([_dense_float32(gradient) for gradient in gradients])


def clipped(gradients: Sequence[Gradient], norm: Tensor, limit: float | None) -> list[Gradient]:
    """Scales gradients down to the global norm `limit` if their norm is larger.

    This is clipping by the global norm, of Pascanu et al. (2013), "On the difficulty of training recurrent neural
    networks".

    Args:
      gradients: dense tensors or IndexedSlices.
      norm: their global norm, a float32 scalar.
      limit: the largest norm; None: gradients are not clipped.
    """
    import tensorflow as tf

    if limit is None:
        return list(gradients)
    factor = limit / tf.maximum(norm, limit)
    return [scaled(gradient, factor) for gradient in gradients]


def scaled(gradient: Gradient, factor: Tensor) -> Gradient:
    """Returns a gradient, dense or in slices, times a float32 scalar."""
    import tensorflow as tf

    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(scaled(gradient.values, factor), gradient.indices, gradient.dense_shape)
    with _beside(gradient):
        return gradient * tf.cast(factor, gradient.dtype)


def kept(gradient: Gradient, wanted: Tensor) -> Gradient:
    """Returns the gradient, dense or in slices, if the bool scalar `wanted` is true; otherwise zeros."""
    import tensorflow as tf

    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(kept(gradient.values, wanted), gradient.indices, gradient.dense_shape)
    with _beside(gradient):
        return tf.where(wanted, gradient, tf.zeros_like(gradient))


def schedule(training: TrainingConfig, steps: int) -> LearningRate:
    """Returns the learning rate of each optimizer step, as a tf_keras LearningRateSchedule.

    The warm-up has W = `warmup_steps` steps. Step s (from 0) of the warm-up has the rate peak * (s + 1) / W. After it,
    with p = (s - W) / (steps - W), the rate is

      cosine      peak * (1 + cos(pi * p)) / 2: Loshchilov and Hutter (2017), "SGDR", without restarts
      linear      peak * (1 - p)
      constant    peak

    Args:
      training: gives the schedule, the peak and the warm-up.
      steps: number of optimizer steps of the training.
    """
    from tf_keras.optimizers import schedules

    peak, warmup = training.learning_rate, training.warmup_steps
    rest = max(1, steps - warmup)
    after = {
        "cosine": lambda: schedules.CosineDecay(peak, rest),
        "linear": lambda: schedules.PolynomialDecay(peak, rest, end_learning_rate=0.0),
        "constant": lambda: schedules.PolynomialDecay(peak, rest, end_learning_rate=peak),
    }[training.schedule]()
    return _warmed_up(after, peak, warmup) if warmup else after


def learning_rate(optimizer: Optimizer) -> Tensor:
    """Returns the learning rate of an optimizer's latest update: a float32 scalar; NaN if the optimizer has none."""
    import tensorflow as tf

    try:
        return tf.cast(optimizer.learning_rate, tf.float32)
    except ValueError:
        return tf.constant(math.nan)


def _warmed_up(after: LearningRate, peak: float, warmup: int) -> LearningRate:
    import tensorflow as tf
    from tf_keras.optimizers import schedules

    class WarmUp(schedules.LearningRateSchedule):
        def __call__(self, step: Tensor) -> Tensor:
            step = tf.cast(step, tf.float32)
            return tf.where(step < warmup, peak * (step + 1) / warmup, after(tf.maximum(step - warmup, 0.0)))

        def get_config(self) -> dict[str, Any]:
            return {"peak": peak, "warmup": warmup, "after": schedules.serialize(after)}

    return WarmUp()


def _beside(gradient: Gradient) -> AbstractContextManager[object]:
    """Returns a context that puts operations on the device of a gradient of a stage. Strategies do this themselves."""
    import tensorflow as tf

    return contextlib.nullcontext() if tf.distribute.has_strategy() else tf.device(gradient.device)


def _dense_float32(gradient: Gradient) -> Tensor:
    """Returns a tensor with the norm of the gradient, on its device."""
    import tensorflow as tf

    with _beside(gradient):
        if not isinstance(gradient, tf.IndexedSlices):
            return tf.cast(gradient, tf.float32)
        rows, places = tf.unique(gradient.indices)
        return tf.cast(tf.math.unsorted_segment_sum(gradient.values, places, tf.shape(rows)[0]), tf.float32)
