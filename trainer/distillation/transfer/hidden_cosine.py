"""The cosine of hidden states: the student's vector should point where the teacher's points.

Sanh et al. (2019), "DistilBERT, a distilled version of BERT" (arXiv:1910.01108), add it to soft targets and labels, for
the vectors of all words. Lengths do not count, so it constrains the student less than a hint.
"""

from __future__ import annotations

from typing import Any

from limbeck.trainer.distillation.transfer.positions import mean_over_positions

# The square of the length below which a vector has no direction.
_LEAST = 1e-12


def loss(student: Any, teacher: Any, mask: Any = None) -> Any:
    """Returns the mean over positions of 1 - cosine(student, teacher), from 0 to 2.

    Args:
      student: the layer of the student, projected if its width differs, `[batch, ..., width]`, any float dtype.
      teacher: the layer of the teacher, of the same shape.
      mask: which positions count, bool `[batch, positions]`; None: all do.

    Returns:
      float32 `[batch]`. No gradient flows to the teacher. A vector of zeros has the cosine 0, and no gradient.
    """
    import tensorflow as tf

    own, target = _directions(student), tf.stop_gradient(_directions(teacher))
    return mean_over_positions(1 - tf.reduce_sum(own * target, axis=-1), mask)


def _directions(layer: Any) -> Any:
    """Returns each vector divided by its length, float32; zeros for a vector without a direction."""
    import tensorflow as tf

    values = tf.cast(layer, tf.float32)
    squares = tf.reduce_sum(tf.square(values), axis=-1, keepdims=True)
    # Small lengths are replaced before the root, whose gradient is unbounded near 0.
    return tf.where(squares > _LEAST, values * tf.math.rsqrt(tf.maximum(squares, _LEAST)), 0.0)
