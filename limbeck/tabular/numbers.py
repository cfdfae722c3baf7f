"""Describes each number by three inputs: its distance from the mean, its quantile, and whether it is missing.

With scaling alone, heavy tails become huge inputs, and a network cannot distinguish a missing value that was filled
with 0 or the mean from a real value. So each number becomes three inputs: its distance from the mean, clipped at 4
standard deviations; its rank among the quantiles, from 0 to 1; and 1 for a missing value, otherwise 0.
"""

from __future__ import annotations

from typing import Any

BINS = 48
_FARTHEST = 4.0
# Of the ranks of the quantiles.
_PRECISION = 0.002


def describe(values: Any) -> Any:
    """Describes numbers. It uses analyzers of tensorflow_transform, and passes over the training data once.

    Args:
      values: float32 `[batch, columns]`, NaN for a gap.

    Returns:
      float32 `[batch, columns, 3]`: distance from the mean of the values that exist, in their standard deviations;
      place among the quantiles; and whether the value is a gap. A gap has distance 0, and the place of the value 0.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    present = tf.logical_not(tf.math.is_nan(values))
    filled = tf.where(present, values, 0.0)
    edges = tft.quantiles(filled, BINS + 2, epsilon=_PRECISION, reduce_instance_dims=False)
    distance = tf.where(present, _distance(filled, present), 0.0)
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

    If edges coincide, because many values are equal, the place jumps there.

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


def _distance(filled: Any, present: Any) -> Any:
    import tensorflow as tf
    import tensorflow_transform as tft

    # From moments in float64, in one pass. An analyzer of the differences would need the mean first, in a pass before.
    moments = tf.concat([tf.ones_like(filled), filled], axis=1)
    first = tft.mean(
        tf.where(tf.tile(present, [1, 2]), tf.cast(moments, tf.float64), 0.0), reduce_instance_dims=False
    )
    second = tft.mean(tf.square(tf.cast(filled, tf.float64)), reduce_instance_dims=False)
    share, total = tf.split(first, 2)
    share = tf.where(share > 0, share, 1.0)
    mean = total / share
    variance = tf.maximum(second / share - mean**2, 0.0)
    exact = variance > _ROUNDING * second
    deviation = tf.sqrt(tf.where(exact, variance, 1.0))
    return tf.cast(tf.where(exact, (tf.cast(filled, tf.float64) - mean) / deviation, 0.0), tf.float32)


# Below this share of the square, a variance is a rounding error of a constant column.
_ROUNDING = 1e-13
