"""Describes numbers by the training data: how far from the mean, at which quantile, and whether there is one at all.

Scaling alone hands heavy tails to the network as huge inputs, and a gap that is filled with 0 or the mean is a lie that
a network cannot tell from a value. So each number becomes three: its distance from the mean, cut at 4 standard
deviations; its place among the quantiles, from 0 to 1; and 1 for a gap, otherwise 0.
"""

from __future__ import annotations

from typing import Any

QUANTILES = 48
_FARTHEST = 4.0


def describe(values: Any) -> Any:
    """Describes numbers. It uses analyzers of tensorflow_transform.

    Args:
      values: float32 `[batch, columns]`, NaN for a gap.

    Returns:
      float32 `[batch, columns, 3]`: distance from the mean in standard deviations, place among the quantiles, and
      whether the value is a gap. The mean is that of the values that exist. A gap counts as the mean.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    present = tf.logical_not(tf.math.is_nan(values))
    share = tft.mean(tf.cast(present, tf.float32), reduce_instance_dims=False)
    mean = tft.mean(tf.where(present, values, 0.0), reduce_instance_dims=False) / tf.maximum(share, _LEAST)
    filled = tf.where(present, values, mean)
    variance = tft.var(filled, reduce_instance_dims=False) / tf.maximum(share, _LEAST)
    distance = (filled - mean) / tf.sqrt(tf.where(variance > 0, variance, 1.0))
    edges = tft.quantiles(filled, QUANTILES + 2, epsilon=_PRECISION, reduce_instance_dims=False)
    return tf.stack(
        [
            tf.clip_by_value(distance, -_FARTHEST, _FARTHEST),
            quantile_place(filled, edges),
            tf.cast(tf.logical_not(present), tf.float32),
        ],
        axis=-1,
    )


def quantile_place(values: Any, edges: Any) -> Any:
    """Returns the place of each value among the edges of its column, from 0 to 1, linear between two edges.

    Where edges coincide, because many values are equal, the place jumps.

    Args:
      values: float32 `[batch, columns]`.
      edges: float32 `[columns, edges]`, each row in ascending order, at least two.
    """
    import tensorflow as tf

    lower, upper = edges[:, :-1], edges[:, 1:]
    width = upper - lower
    beyond = values[:, :, tf.newaxis] - lower
    inside = tf.where(width > 0, beyond / tf.where(width > 0, width, 1.0), tf.cast(beyond >= 0, tf.float32))
    return tf.reduce_mean(tf.clip_by_value(inside, 0.0, 1.0), axis=-1)


_LEAST = 1e-12
_PRECISION = 0.002
