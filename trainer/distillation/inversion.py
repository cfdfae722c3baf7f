"""Turns what a SavedModel of someone else answers into the logits that an objective takes.

A softmax can be inverted up to a constant, which does not change the soft targets at any temperature. But float32 has
rounded the probabilities: `limbeck.saved_teacher.SavedTeacher` says what is lost.
"""

from __future__ import annotations

from typing import Any

from limbeck.aliases import Tensor
from limbeck.errors import ConfigError
from limbeck.objectives.classes import Classes
from limbeck.objectives.objective import Objective
from limbeck.saved_teacher import SavedTeacher

# The smallest normal float32, and the distance from 1 to the largest float32 below it.
LEAST, LEAST_COMPLEMENT = 2.0**-126, 2.0**-24
_PAIR = 2
# How far a sum of rounded probabilities may be from 1.
_TOLERANCE = 1e-2


def as_logits(answers: Tensor, teacher: SavedTeacher, objective: Objective) -> Tensor:
    """Returns the logits that a teacher's answers stand for.

    Args:
      answers: `[batch, outputs]` of any float dtype. For two classes, also `[batch]` or `[batch, 1]`: the logit or the
        probability of the second class.
      teacher: says what the answers are.
      objective: the objective of the task. Its `outputs` is the length of the last axis of the result.

    Returns:
      float32 `[batch, outputs]`. Logits are returned as they are; those of one column for two classes become
      `[0, logit]`. The probabilities p of classes become log(p), and the probability p of the second of two classes
      becomes `[log(1 - p), log(p)]`; for any other objective, each probability becomes log(p / (1 - p)).

    Raises:
      ConfigError: if the number of columns does not fit the objective.
    """
    import tensorflow as tf

    values = tf.cast(answers, tf.float32)
    if values.shape.rank == 1:
        values = values[:, tf.newaxis]
    classes = isinstance(objective, Classes)
    rank, columns = values.shape.rank, values.shape[-1] if values.shape.rank else None
    # The second of two classes stands for both.
    single = classes and objective.outputs == _PAIR and columns == 1
    if rank not in (_PAIR, None) or columns not in (objective.outputs, None, 1 if single else None):
        raise ConfigError(
            f"the teacher's output '{teacher.output}' is {_words(values.shape)}, but the label needs "
            f"{objective.output_words}: name another output, or correct the classes of the task's label"
        )
    values = tf.ensure_shape(values, [None, 1 if single else objective.outputs])
    if teacher.answers == "logits":
        return tf.concat([tf.zeros_like(values), values], axis=1) if single else values
    least, complement = (teacher.epsilon or default for default in (LEAST, LEAST_COMPLEMENT))
    logs = tf.math.log(tf.maximum(values, least))
    if classes and not single:
        return logs
    others = tf.math.log(tf.maximum(1 - values, complement))
    return tf.concat([others, logs], axis=1) if single else logs - others


def doubt(answers: Any, teacher: SavedTeacher, objective: Objective) -> str | None:
    """Returns why some answers cannot be what the teacher is declared to answer; None if they can.

    Args:
      answers: NumPy array `[examples]` or `[examples, columns]`.
      teacher: says what the answers are.
      objective: the objective of the task.
    """
    import numpy as np

    if not np.isfinite(answers).all():
        return "some are not finite"
    if teacher.answers == "logits":
        return None
    if answers.min() < 0 or answers.max() > 1:
        return f"they reach from {answers.min():.4g} to {answers.max():.4g}, and probabilities lie between 0 and 1"
    if isinstance(objective, Classes) and not _sum_to_one(answers):
        sums = answers.sum(axis=1)
        farthest = sums[abs(sums - 1).argmax()]
        return f"they sum to {farthest:.4g} for an example, and the probabilities of classes sum to 1"
    return None


def seem_probabilities(answers: Any) -> bool:
    """Returns whether logits look like probabilities: none is below 0 or above 1, and several sum to 1.

    Args:
      answers: NumPy array `[examples]` or `[examples, columns]`.
    """
    return bool(answers.min() >= 0 and answers.max() <= 1) and _sum_to_one(answers)


def _sum_to_one(answers: Any) -> bool:
    """Returns whether the columns sum to 1. A single column may hold anything."""
    several = answers.ndim == _PAIR and answers.shape[1] > 1
    return not several or bool(abs(answers.sum(axis=1) - 1).max() < _TOLERANCE)


def _words(shape: Any) -> str:
    return "[" + ", ".join(["batch", *("any" if size is None else str(size) for size in shape[1:])]) + "]"
