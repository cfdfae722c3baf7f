"""Attention transfer: the student should be active where the teacher is active.

Zagoruyko and Komodakis (2017), "Paying more attention to attention" (arXiv:1612.03928). The attention map of a layer is
the sum of the squares of its channels, at each position. Maps are normalised, so student and teacher may have different
numbers of channels, and no projection is needed. This is not the attention of a transformer.
"""

from __future__ import annotations

from typing import Any

from limbeck.trainer.distillation.transfer.positions import spread_mask

_LEAST = 1e-12


def loss(student: Any, teacher: Any, mask: Any = None) -> Any:
    """Returns the squared distance of the normalised attention maps, from 0 to 2.

    The paper writes the distance, but the code of its authors computes the square, because the gradient of the distance
    is infinite if the maps are equal.

    Args:
      student: the layer of the student, `[batch, *positions, channels]`, with at least one axis of positions.
      teacher: the layer of the teacher; only the number of channels may differ.
      mask: which positions count, bool `[batch, positions]`; None: all do.

    Returns:
      float32 `[batch]`. No gradient flows to the teacher.
    """
    import tensorflow as tf

    own, target = _attention(student, mask), tf.stop_gradient(_attention(teacher, mask))
    return tf.reduce_sum(tf.square(own - target), axis=-1)


def _attention(layer: Any, mask: Any) -> Any:
    """Returns the normalised map, float32 `[batch, all positions]`."""
    import tensorflow as tf

    squares = tf.reduce_sum(tf.square(tf.cast(layer, tf.float32)), axis=-1)
    if mask is not None:
        squares = tf.where(spread_mask(mask, squares), squares, 0.0)
    # The size is given, because TensorFlow cannot infer -1 if there is no example.
    flat = tf.reshape(squares, [tf.shape(squares)[0], tf.reduce_prod(tf.shape(squares)[1:])])
    return tf.math.l2_normalize(flat, axis=-1, epsilon=_LEAST)
