"""Sends one request to an exported model, in the form in which a server would."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck import task_code
from limbeck.errors import TaskError
from limbeck.examples import SERVING_INPUT


def answers(model: str, examples: Sequence[bytes], who: str) -> dict[str, tuple[int, ...]]:
    """Loads a SavedModel, and lets it answer raw examples. Returns the shape of each answer by name.

    Args:
      model: folder of the SavedModel.
      examples: serialized raw tf.Examples.
      who: the model in words, for messages.

    Raises:
      TaskError: if the model cannot answer, or if an answer is not a finite number.
    """
    import numpy as np
    import tensorflow as tf

    with task_code.guarded(f"{who} was exported, but does not answer a request"):
        serve = tf.saved_model.load(model).signatures["serving_default"]
        found = {name: tensor.numpy() for name, tensor in serve(**{SERVING_INPUT: tf.constant(examples)}).items()}
    for name, values in found.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise TaskError(
                f"{who} answers a request with '{name}' that is not a finite number: look for a division by 0, a "
                "logarithm, or a missing value in preprocessing_fn"
            )
    return {name: tuple(values.shape) for name, values in found.items()}
