"""Hints: the student's layer, after a learned projection, should equal the teacher's layer.

Romero et al. (2015), "FitNets: hints for thin deep nets" (arXiv:1412.6550). A thin student has fewer units than its
teacher, so the paper maps its layer to the teacher's width by a regressor that is trained with it. Theirs trains the
lower half of the student first; here the hint is a term of the loss during the whole training.
"""

from __future__ import annotations

from typing import Any

from limbeck.trainer.distillation.transfer.positions import mean_over_positions


def loss(student: Any, teacher: Any, mask: Any = None) -> Any:
    """Returns the mean over positions and units of (student - teacher)^2.

    The paper sums over the units and halves the sum; the mean does not grow with the width of the teacher.

    Args:
      student: the projected layer of the student, `[batch, ..., width]`, any float dtype.
      teacher: the layer of the teacher, of the same shape.
      mask: which positions count, bool `[batch, positions]`; None: all do.

    Returns:
      float32 `[batch]`. No gradient flows to the teacher.
    """
    import tensorflow as tf

    target = tf.stop_gradient(tf.cast(teacher, tf.float32))
    squares = tf.square(tf.cast(student, tf.float32) - target)
    return mean_over_positions(tf.reduce_mean(squares, axis=-1), mask)
