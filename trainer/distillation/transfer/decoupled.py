"""Decoupled knowledge distillation, which weights the right class and the other classes separately.

Zhao et al. (2022), "Decoupled knowledge distillation" (arXiv:2203.08679), split the softened divergence into two: how
sure the teacher is of the right class (TCKD), and how it divides the rest among the other classes (NCKD):

  KL(teacher || student) = TCKD + (1 - p) * NCKD, with the teacher's probability p of the right class

So the surer a teacher is, the less its knowledge of the other classes counts, although this is most of its knowledge.
The paper gives the second part its own weight: TCKD + beta * NCKD.

With two classes there is one other class, NCKD is 0, and the rest is the softened divergence itself.
"""

from __future__ import annotations

from typing import Any

from limbeck.objectives import categorical as one_of_several
from limbeck.objectives.objective import Objective


def categorical(logits: Any, teacher_logits: Any, classes: Any, temperature: Any, beta: float) -> Any:
    """Returns temperature^2 * (TCKD + beta * NCKD), in nats.

    Args:
      logits: the student's, `[batch, classes]`, any float dtype.
      teacher_logits: `[batch, teachers, classes]`. The soft target is the mean of the teachers' probabilities.
      classes: the right class of each example, an integer `[batch]`.
      temperature: above 0; a float, or a float32 scalar.
      beta: weight of the other classes.

    Returns:
      float32 `[batch]`.
    """
    import tensorflow as tf

    target = tf.stop_gradient(one_of_several.soft_targets(teacher_logits, temperature))
    student = tf.nn.log_softmax(tf.cast(logits, tf.float32) / temperature, axis=-1)
    right = tf.one_hot(classes, tf.shape(student)[-1], on_value=True, off_value=False, dtype=tf.bool)
    (sure, rest, others), (own, own_rest, own_others) = (_split(one, right) for one in (target, student))
    of_right = tf.exp(sure) * (sure - own) + tf.exp(rest) * (rest - own_rest)
    parts = tf.exp(others) * (others - own_others)
    of_others = tf.reduce_sum(tf.where(right, 0.0, parts), axis=-1)
    return temperature**2 * (of_right + beta * of_others)


def right_classes(labels: Any, teacher_outputs: Any, objective: Objective) -> Any:
    """Returns the class that counts as right: the label if there is one, otherwise the teachers' most probable class.

    The paper needs a label for every example, but a student sees few labels. A teacher that is worth distilling is
    mostly right. If it is wrong, the student learns the same mistake from soft targets, too.

    Args:
      labels: int64 `[batch]`; None if labels are not to be read.
      teacher_outputs: logits `[batch, teachers, classes]`.
      objective: the objective of the label.

    Returns:
      int64 `[batch]`.
    """
    import tensorflow as tf

    said = objective.pseudo_labels(teacher_outputs)
    return said if labels is None else tf.where(objective.labelled(labels), labels, said)


def _split(logs: Any, right: Any) -> tuple[Any, Any, Any]:
    """Returns the log-probabilities of the right class, of all others together, and of each other among the others.

    Args:
      logs: log-probabilities, float32 `[batch, classes]`.
      right: which class is right, bool `[batch, classes]`, True once in each row.

    Returns:
      float32 `[batch]`, `[batch]` and `[batch, classes]`. The last is 0 for the right class. All are finite.
    """
    import tensorflow as tf

    # The lowest float32 instead of minus infinity, because minus infinity minus itself is NaN.
    without = tf.where(right, logs.dtype.min, logs)
    rest = tf.reduce_logsumexp(without, axis=-1)
    others = tf.where(right, 0.0, logs - rest[:, tf.newaxis])
    return tf.reduce_sum(tf.where(right, logs, 0.0), axis=-1), rest, others
