"""The losses of teachers and students, as sums that are divided by the global batch.

A mean over the examples of one replica weighs an example by how many others happened to share its replica: with
unlabelled examples, or an uneven last batch, two replicas then take other steps than one. So an objective gives one
value an example, and `distillation_loss` divides sums by counts of the *global* batch, one count for the hard and one
for the soft term.
"""

from __future__ import annotations

from typing import Any

from limbeck.objectives.objective import Objective
from limbeck.settings.distillation import DistillationConfig
from trainer.data.batches import Denominators


def distillation_loss(
    outputs: Any,
    labels: Any,
    teacher_outputs: Any,
    config: DistillationConfig,
    denominators: Denominators,
    *,
    objective: Objective,
) -> Any:
    """This replica's part of (1 - alpha) * mean hard loss + alpha * mean soft loss over the global batch.

    The sum of the parts over all replicas is the loss. With alpha = 0 the teachers' outputs are not read, with
    alpha = 1 the labels are not: each may then be None.

    Args:
      outputs: of the student, `[batch, outputs]`.
      labels: `[batch, *label_shape]`.
      teacher_outputs: `[batch, teachers, outputs]`.
      config: alpha and temperature.
      denominators: counts of the global batch.
      objective: whose losses they are; it describes `outputs`, `labels` and `teacher_outputs`.

    Returns:
      A float32 scalar; 0 from a term of which the global batch has no example.
    """
    loss = 0.0
    if config.alpha < 1:
        loss += (1 - config.alpha) * mean_part(objective.hard_loss(outputs, labels), denominators.labelled)
    if config.alpha > 0:
        soft = objective.soft_loss(outputs, teacher_outputs, config.temperature)
        loss += config.alpha * mean_part(soft, denominators.examples)
    return loss


def mean_part(losses: Any, count: Any) -> Any:
    """Sum of float32 `losses` `[batch]` divided by the global `count`; 0 where the count is 0."""
    import tensorflow as tf

    return tf.math.divide_no_nan(tf.reduce_sum(losses), count)
