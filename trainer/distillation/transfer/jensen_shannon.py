"""The softened Jensen-Shannon divergence.

Lin (1991), "Divergence measures based on the Shannon entropy", IEEE Transactions on Information Theory 37, defines it
as the mean divergence of both distributions from their mean. It is symmetric, and at most log(2). So if a teacher is
sure of an example and the student says the opposite, the example does not dominate the batch, as it can with the
Kullback-Leibler divergence. Agarwal et al. (2024, arXiv:2306.13649) distil with it.

As for soft targets, it is multiplied by temperature^2, so that its gradient keeps its size when the temperature
changes. At a high temperature it is a quarter of the Kullback-Leibler divergence.
"""

from __future__ import annotations

import math
from typing import Any

from limbeck.objectives import bernoulli as yes_or_no
from limbeck.objectives import categorical as one_of_several


def categorical(logits: Any, teacher_logits: Any, temperature: Any) -> Any:
    """Returns temperature^2 * JS(soft targets, student), in nats.

    Args:
      logits: the student's, `[batch, classes]`, any float dtype.
      teacher_logits: `[batch, teachers, classes]`. The soft target is the mean of the teachers' probabilities.
      temperature: above 0; a float, or a float32 scalar.

    Returns:
      float32 `[batch]`.
    """
    import tensorflow as tf

    target = tf.stop_gradient(one_of_several.soft_targets(teacher_logits, temperature))
    student = tf.nn.log_softmax(tf.cast(logits, tf.float32) / temperature, axis=-1)
    return temperature**2 * tf.reduce_sum(_parts(target, student), axis=-1)


def bernoulli(logits: Any, teacher_logits: Any, temperature: Any) -> Any:
    """Returns the mean over the answers of temperature^2 * JS(soft target, student) of yes and no, in nats.

    Args:
      logits: the student's, `[batch, answers]`, any float dtype.
      teacher_logits: `[batch, teachers, answers]`.
      temperature: above 0; a float, or a float32 scalar.

    Returns:
      float32 `[batch]`.
    """
    import tensorflow as tf

    targets = map(tf.stop_gradient, yes_or_no.soft_targets(teacher_logits, temperature))
    student = tf.cast(logits, tf.float32) / temperature
    own = (tf.math.log_sigmoid(student), tf.math.log_sigmoid(-student))
    yes, no = (_parts(*pair) for pair in zip(targets, own, strict=True))
    return temperature**2 * tf.reduce_mean(yes + no, axis=-1)


def _parts(target: Any, student: Any) -> Any:
    """Returns the part of each outcome in the divergence of two distributions, from their log-probabilities."""
    import tensorflow as tf

    # A log-sum-exp, because the logarithm of the mean is infinite if both probabilities underflow.
    middle = tf.reduce_logsumexp(tf.stack([target, student]), axis=0) - math.log(2)
    return (tf.exp(target) * (target - middle) + tf.exp(student) * (student - middle)) / 2
