"""Labels one example: makes its id unique, and adds soft targets."""

from __future__ import annotations

from typing import Any

from limbeck.examples import EXAMPLE_ID, RAW_EXAMPLE
from limbeck.trainer.distillation.stored.example import put
from limbeck.trainer.distillation.stored.form import StoredForm


def content_id_of(example: bytes) -> bytes:
    """Returns the `example_id` of a serialized tf.Example, as Transform wrote it; equal for rows of equal content."""
    import tensorflow as tf

    return bytes(tf.train.Example.FromString(example).features.feature[EXAMPLE_ID].bytes_list.value[0])


def numbered(content_id: bytes, number: int, example: bytes) -> bytes:
    """Returns a serialized tf.Example with the id `<content id>-<number>`, with its features in a fixed order."""
    import tensorflow as tf

    message = tf.train.Example.FromString(example)
    message.features.feature[EXAMPLE_ID].bytes_list.value[:] = [b"%s-%d" % (content_id, number)]
    return bytes(message.SerializeToString(deterministic=True))


def attach_logits(example: bytes, logits: Any, form: StoredForm | None = None) -> bytes:
    """Adds soft targets to a serialized tf.Example, and removes the raw example from it, if there is one.

    Args:
      example: serialized transformed tf.Example.
      logits: float32 `[teachers, classes]`.
      form: how they are stored; None: in full, as `teacher_logits`, row by row.

    Returns:
      The serialized tf.Example, with its features in a fixed order.
    """
    import tensorflow as tf

    message = tf.train.Example.FromString(example)
    put(message, logits, form or StoredForm(logits.shape[1]))
    # No later node reads it.
    message.features.feature.pop(RAW_EXAMPLE, None)
    return bytes(message.SerializeToString(deterministic=True))
