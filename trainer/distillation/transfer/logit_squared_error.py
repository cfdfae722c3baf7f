"""The squared distance of logits.

Ba and Caruana (2014), "Do deep nets really need to be deep?" (arXiv:1312.6184), train the student on the mean of the
logits of an ensemble, by regression. Unlike probabilities, logits keep what a sure teacher knows of the classes that it
rules out. Kim et al. (2021, arXiv:2105.08919) compare it with the softened divergence, whose limit it is at high
temperature.
"""

from __future__ import annotations

from typing import Any


def categorical(logits: Any, teacher_logits: Any) -> Any:
    """Returns the mean over the classes of (student - teacher)^2, after both logits are shifted to the mean 0.

    A constant that is added to all logits of an example changes no probability. Logits that were computed from
    probabilities have an arbitrary constant, so the student must not learn it.

    Args:
      logits: the student's, `[batch, classes]`, any float dtype.
      teacher_logits: `[batch, teachers, classes]`. Their mean over the teachers is the target.

    Returns:
      float32 `[batch]`.
    """
    import tensorflow as tf

    distances = _distances(logits, teacher_logits)
    return tf.reduce_mean(tf.square(distances - tf.reduce_mean(distances, axis=-1, keepdims=True)), axis=-1)


def bernoulli(logits: Any, teacher_logits: Any) -> Any:
    """Returns the mean over the answers of (student - teacher)^2; arguments and result are as for `categorical`."""
    import tensorflow as tf

    return tf.reduce_mean(tf.square(_distances(logits, teacher_logits)), axis=-1)


def _distances(logits: Any, teacher_logits: Any) -> Any:
    import tensorflow as tf

    target = tf.stop_gradient(tf.reduce_mean(tf.cast(teacher_logits, tf.float32), axis=1))
    return tf.cast(logits, tf.float32) - target
