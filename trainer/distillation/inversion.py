"""Converts the answers of an external SavedModel into logits for an objective.

A softmax can be inverted up to a constant, which does not change the soft targets at any temperature. But float32 has
rounded the probabilities: `limbeck.saved_teacher.SavedTeacher` says what is lost.
"""

from __future__ import annotations

from typing import Any

from limbeck.aliases import Tensor
from limbeck.errors import ConfigError
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
      answers: `[batch, outputs]` of any float dtype. For a yes or no, also the logit or the probability of yes alone,
        `[batch]` or `[batch, 1]`, or of no and yes, `[batch, 2]`.
      teacher: says what the answers are.
      objective: the objective of the task. Its `outputs` is the length of the last axis of the result.

    Returns:
      float32 `[batch, outputs]`. Logits are returned as they are, and values of an objective without probabilities,
      too. With a softmax, probabilities p become log(p); one probability of two becomes `[log(1 - p), log(p)]`. With a
      sigmoid, they become log(p / (1 - p)).

    Raises:
      ConfigError: if the number of columns does not fit the objective, or if it has no probabilities.
    """
    import tensorflow as tf

    values = tf.cast(answers, tf.float32)
    if values.shape.rank == 1:
        values = values[:, tf.newaxis]
    columns = _columns(values.shape, teacher, objective)
    values = tf.ensure_shape(values, [None, columns])
    if teacher.answers == "logits":
        logs, others = values, tf.zeros_like(values)
    else:
        least, complement = (teacher.epsilon or default for default in (LEAST, LEAST_COMPLEMENT))
        logs = tf.math.log(tf.maximum(values, least))
        others = tf.math.log(tf.maximum(1 - values, complement))
    if columns == objective.outputs:
        return logs if objective.activation == "softmax" else logs - others
    # Converts one column for two classes, or two columns for one answer.
    return tf.concat([others, logs], axis=1) if columns == 1 else logs[:, 1:] - logs[:, :1]


def _columns(shape: Any, teacher: SavedTeacher, objective: Objective) -> int:
    """Returns how many columns the answers have. Raises ConfigError if they do not fit the objective."""
    if objective.activation is None and teacher.answers == "probabilities":
        raise ConfigError(
            f"the label '{objective.label.name}' is learnt from {objective.output_words}, which no probabilities stand "
            "for: say answers='logits' for a teacher that returns the same"
        )
    columns = shape[-1] if shape.rank else None
    # A yes-or-no answer is one column, or one column for each of both.
    other = {("softmax", _PAIR): 1, ("sigmoid", 1): _PAIR}.get((str(objective.activation), objective.outputs))
    if shape.rank in (_PAIR, None) and columns in (objective.outputs, other, None):
        return columns or objective.outputs
    raise ConfigError(
        f"the teacher's output '{teacher.output}' is {_words(shape)}, but the label needs {objective.output_words}: "
        "name another output, or correct the classes of the task's label"
    )


def doubt(answers: Any, teacher: SavedTeacher, objective: Objective) -> str | None:
    """Returns why some answers contradict the declaration of the teacher; None if they do not.

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
    several_answers = objective.activation == "sigmoid" and objective.outputs > 1
    if not several_answers and not _sum_to_one(answers):
        sums = answers.sum(axis=1)
        farthest = sums[abs(sums - 1).argmax()]
        return f"they sum to {farthest:.4g} for an example, and the probabilities of classes sum to 1"
    return None


def seem_probabilities(answers: Any, objective: Objective) -> bool:
    """Returns whether logits look like probabilities: none is below 0 or above 1, and those of classes sum to 1.

    Args:
      answers: NumPy array `[examples]` or `[examples, columns]`.
      objective: the objective of the task.
    """
    if objective.activation is None or answers.min() < 0 or answers.max() > 1:
        return False
    return objective.activation == "sigmoid" or _sum_to_one(answers)


def _sum_to_one(answers: Any) -> bool:
    """Returns whether the columns sum to 1. A single column may hold anything."""
    several = answers.ndim == _PAIR and answers.shape[1] > 1
    return not several or bool(abs(answers.sum(axis=1) - 1).max() < _TOLERANCE)


def _words(shape: Any) -> str:
    return "[" + ", ".join(["batch", *("any" if size is None else str(size) for size in shape[1:])]) + "]"
