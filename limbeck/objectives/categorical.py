"""The mathematics of logits for one of several classes, shared by `classes` and the transfer objectives.

Everything is computed with logarithms. The obvious mean of softmax probabilities is 0 where float32 underflows, and its
logarithm is then infinite.
"""

from __future__ import annotations

from typing import Any


def soft_targets(teacher_logits: Any, temperature: Any) -> Any:
    """Returns the log of an ensemble's soft targets: the mean over teachers of softmax(logits / temperature).

    Args:
      teacher_logits: `[batch, teachers, classes]`, any float dtype.
      temperature: above 0; a float, or a float32 scalar.

    Returns:
      Log-probabilities, float32 `[batch, classes]`. They are finite even if a probability underflows.
    """
    import tensorflow as tf

    members = tf.nn.log_softmax(tf.cast(teacher_logits, tf.float32) / temperature, axis=-1)
    return tf.reduce_logsumexp(members, axis=1) - tf.math.log(tf.cast(tf.shape(members)[1], tf.float32))
