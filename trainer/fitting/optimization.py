"""From the gradients of the replicas to one update: sums, norm, clipping, and the learning rate's schedule.

An optimizer that clips for itself clips what it is given. Under `tf.distribute` that may be the gradient of one
replica, and then several workers take other steps than one. Here gradients are summed over all replicas first; each
replica then clips the same sum by the same norm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from limbeck.aliases import Gradient, LearningRate, Optimizer, Tensor
from limbeck.settings.training import TrainingConfig


def sums(values: Sequence[Gradient]) -> list[Gradient]:
    """Sums each value over all replicas; call it in a replica context.

    Args:
      values: tensors or IndexedSlices, each of the same shape and dtype on every replica.

    Returns:
      The sums, the same on every replica, in the order of `values`.
    """
    import tensorflow as tf

    replica = tf.distribute.get_replica_context()
    found: dict[int, Gradient] = {}
    # One message for all, but several processes cannot put values of different types in one.
    for dtype in dict.fromkeys(value.dtype for value in values):
        places = [place for place, value in enumerate(values) if value.dtype == dtype]
        found |= zip(places, replica.all_reduce("SUM", [values[place] for place in places]), strict=True)
    return [found[place] for place in range(len(values))]


def global_norm(gradients: Sequence[Gradient]) -> Tensor:
    """The Euclidean norm of all gradients as one vector: a float32 scalar.

    Slices of an embedding's gradient that are of the same row are added up first, as they are in the update.
    """
    import tensorflow as tf

    return tf.linalg.global_norm([tf.cast(_distinct(gradient), tf.float32) for gradient in gradients])


def clipped(gradients: Sequence[Gradient], norm: Tensor, limit: float | None) -> list[Gradient]:
    """Scales gradients of the global norm `norm` down to `limit` where they are above it; None: never."""
    import tensorflow as tf

    if limit is None:
        return list(gradients)
    factor = limit / tf.maximum(norm, limit)
    return [scaled(gradient, factor) for gradient in gradients]


def scaled(gradient: Gradient, factor: Tensor) -> Gradient:
    """A gradient, dense or of slices, times a float32 scalar."""
    import tensorflow as tf

    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(scaled(gradient.values, factor), gradient.indices, gradient.dense_shape)
    return gradient * tf.cast(factor, gradient.dtype)


def kept(gradient: Gradient, wanted: Tensor) -> Gradient:
    """A gradient, dense or of slices, where the bool scalar `wanted` is true; otherwise zeros."""
    import tensorflow as tf

    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(kept(gradient.values, wanted), gradient.indices, gradient.dense_shape)
    return tf.where(wanted, gradient, tf.zeros_like(gradient))


def schedule(training: TrainingConfig, steps: int) -> LearningRate:
    """The learning rate of each optimizer step, as a tf_keras LearningRateSchedule.

    With W = `warmup_steps`, step s (from 0) below W has peak * (s + 1) / W. From W on, with p = (s - W) / (steps - W):
    `cosine` peak * (1 + cos(pi * p)) / 2, `linear` peak * (1 - p), `constant` peak.
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
    """The learning rate of the latest update of a tf_keras optimizer: a float32 scalar; NaN where it has none."""
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


def _distinct(gradient: Gradient) -> Tensor:
    import tensorflow as tf

    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, places = tf.unique(gradient.indices)
    return tf.math.unsorted_segment_sum(gradient.values, places, tf.shape(rows)[0])
