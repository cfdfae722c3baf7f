"""The losses of teachers and students, as sums that are divided by the number of examples of the global batch.

In a mean over the examples of one replica, the weight of an example depends on how many others are on the same replica.
With unlabelled examples, or an uneven last batch, the steps of two replicas then differ from the steps of one. So
objectives and transfer objectives return one value for each example. `distillation_loss` divides sums by counts of the
*global* batch: one count for the hard term, and one for the transfer term.
"""

from __future__ import annotations

from typing import Any

from limbeck.objectives.objective import Objective
from limbeck.settings.distillation import DistillationConfig
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.distillation import schedules
from limbeck.trainer.distillation.stored.tensors import TopK, outcomes
from limbeck.trainer.distillation.transfer.kind import Compared, LayerPair
from limbeck.trainer.distillation.transfer.registry import transfer_loss


def distillation_loss(
    outputs: Any,
    labels: Any,
    teacher_outputs: Any,
    config: DistillationConfig,
    denominators: Denominators,
    *,
    objective: Objective,
    layers: tuple[LayerPair, ...] = (),
) -> Any:
    """Returns this replica's part of (1 - alpha) * mean hard loss + alpha * mean transfer loss over the global batch.

    With the default weights this is the loss of Hinton et al. (2015), "Distilling the knowledge in a neural network".
    The sum of the parts over all replicas is the loss. If alpha is 0, the teachers' outputs are not read, and may be
    None. If alpha is 1, the labels are not read, and may be None.

    Args:
      outputs: the student's outputs, `[batch, outputs]`.
      labels: `[batch, *label_shape]`.
      teacher_outputs: `[batch, teachers, outputs]`; or `TopK`, which treats all classes that were not kept as one
        outcome.
      config: alpha, temperature, their schedules, and the weights of the transfer objectives.
      denominators: counts of the global batch, and how far the training is.
      objective: gives the hard loss, and says what `outputs`, `labels` and `teacher_outputs` mean.
      layers: layers of student and teacher, if a transfer objective compares them.

    Returns:
      A float32 scalar. A term without an example in the global batch counts as 0.
    """
    loss, alpha = 0.0, schedules.alpha(config, denominators.progress)
    if config.reads_labels:
        loss += (1 - alpha) * mean_part(objective.hard_loss(outputs, labels), denominators.labelled)
    if config.reads_teachers:
        temperature = schedules.temperature(config, denominators.progress)
        if isinstance(teacher_outputs, TopK):
            outputs, teacher_outputs = outcomes(outputs, teacher_outputs, temperature)
        compared = Compared(
            outputs,
            teacher_outputs,
            labels if config.reads_labels else None,
            temperature,
            config.decoupled_beta,
            objective,
            layers,
        )
        loss += alpha * mean_part(transfer_loss(compared, config.weights), denominators.examples)
    return loss


def mean_part(losses: Any, count: Any) -> Any:
    """Returns the sum of float32 `losses` `[batch]`, divided by the global `count`; 0 if the count is 0."""
    import tensorflow as tf

    return tf.math.divide_no_nan(tf.reduce_sum(losses), count)
