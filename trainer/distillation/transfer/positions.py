"""Means over the positions of a layer, such as the words of a text. Padding is left out."""

from __future__ import annotations

from typing import Any


def mean_over_positions(values: Any, mask: Any) -> Any:
    """Returns the mean of each example, float32 `[batch]`; 0 for an example without any position that counts.

    Args:
      values: float32 `[batch, *positions]`; without a position, the value itself is the mean.
      mask: which positions of the first axis count, bool `[batch, positions]`; None: all do.
    """
    import tensorflow as tf

    axes = list(range(1, len(values.shape)))
    if mask is None or not axes:
        return tf.reduce_mean(values, axis=axes)
    counted = spread_mask(mask, values)
    sums = tf.reduce_sum(tf.where(counted, values, 0.0), axis=axes)
    return tf.math.divide_no_nan(sums, tf.reduce_sum(tf.cast(counted, tf.float32), axis=axes))


def spread_mask(mask: Any, values: Any) -> Any:
    """Returns the mask in the shape of `values`, `[batch, positions, ...]`; it is the same along all later axes."""
    import tensorflow as tf

    shape = tf.concat([tf.shape(mask), tf.ones([len(values.shape) - 2], tf.int32)], axis=0)
    return tf.broadcast_to(tf.reshape(mask, shape), tf.shape(values))
