"""The losses of teachers and students, as sums that are divided by the global batch.

A mean over the examples of one replica weighs an example by how many others happened to share its replica: with
unlabelled examples, or an uneven last batch, two replicas then take other steps than one. So each function here
returns one value an example, and `distillation_loss` divides sums by counts of the *global* batch, one count for
the hard and one for the soft term.
"""

from __future__ import annotations

from typing import Any

from limbeck.examples import UNLABELLED
from limbeck.settings.distillation import DistillationConfig
from trainer.data.batches import Denominators


def hard_loss(logits: Any, labels: Any) -> Any:
    """Cross-entropy of labels.

    Args:
      logits: `[batch, classes]`, any float dtype.
      labels: int64 `[batch]`; -1 where an example is unlabelled.

    Returns:
      float32 `[batch]` in nats; 0 where unlabelled.
    """
    import tensorflow as tf

    labelled = tf.not_equal(labels, UNLABELLED)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.where(labelled, labels, 0), logits=tf.cast(logits, tf.float32)
    )
    return tf.where(labelled, losses, 0.0)


def soft_targets(teacher_logits: Any, temperature: float) -> Any:
    """Logarithm of the ensemble's soft targets: the mean over teachers of softmax(logits / temperature).

    Args:
      teacher_logits: `[batch, teachers, classes]`, any float dtype.
      temperature: above 0.

    Returns:
      float32 `[batch, classes]` of log-probabilities, finite also where a probability underflows.
    """
    import tensorflow as tf

    members = tf.nn.log_softmax(tf.cast(teacher_logits, tf.float32) / temperature, axis=-1)
    return tf.reduce_logsumexp(members, axis=1) - tf.math.log(tf.cast(tf.shape(members)[1], tf.float32))


def pseudo_labels(teacher_logits: Any) -> Any:
    """The ensemble's most probable class, as a label.

    Args:
      teacher_logits: `[batch, teachers, classes]`, any float dtype.

    Returns:
      int64 `[batch]`.
    """
    import tensorflow as tf

    return tf.argmax(soft_targets(teacher_logits, temperature=1.0), axis=-1)


def soft_loss(logits: Any, teacher_logits: Any, temperature: float) -> Any:
    """temperature^2 * KL(soft targets || student), Hinton, Vinyals and Dean (2015), arXiv:1503.02531.

    The factor keeps the size of the gradient comparable to that of the hard loss when the temperature changes.

    Args:
      logits: of the student, `[batch, classes]`, any float dtype.
      teacher_logits: `[batch, teachers, classes]`.
      temperature: above 0.

    Returns:
      float32 `[batch]` in nats, at least 0 up to rounding.
    """
    import tensorflow as tf

    targets = tf.stop_gradient(soft_targets(teacher_logits, temperature))
    student = tf.nn.log_softmax(tf.cast(logits, tf.float32) / temperature, axis=-1)
    return temperature**2 * tf.reduce_sum(tf.exp(targets) * (targets - student), axis=-1)


def distillation_loss(
    logits: Any,
    labels: Any,
    teacher_logits: Any,
    config: DistillationConfig,
    denominators: Denominators,
) -> Any:
    """This replica's part of (1 - alpha) * mean hard loss + alpha * mean soft loss over the global batch.

    The sum of the parts over all replicas is the loss. With alpha = 0 the teachers' logits are not read, with
    alpha = 1 the labels are not: each may then be None.

    Returns:
      A float32 scalar; 0 from a term of which the global batch has no example.
    """
    loss = 0.0
    if config.alpha < 1:
        loss += (1 - config.alpha) * mean_part(hard_loss(logits, labels), denominators.labelled)
    if config.alpha > 0:
        soft = soft_loss(logits, teacher_logits, config.temperature)
        loss += config.alpha * mean_part(soft, denominators.examples)
    return loss


def mean_part(losses: Any, count: Any) -> Any:
    """Sum of float32 `losses` `[batch]` divided by the global `count`; 0 where the count is 0."""
    import tensorflow as tf

    return tf.math.divide_no_nan(tf.reduce_sum(losses), count)
