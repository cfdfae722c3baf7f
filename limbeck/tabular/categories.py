"""Assigns an index to each category: the most frequent values have their own index, all others share the last one."""

from __future__ import annotations

from typing import Any


def place(values: Any, most: int) -> Any:
    """Returns the place of each value, from 0 to `most`. It uses an analyzer of tensorflow_transform.

    Args:
      values: string or int64 `[batch]`.
      most: number of values that have a place of their own. Fewer, if the training data hold fewer.

    Returns:
      int64 `[batch]`. Values that the training data lack, or that are rarer than `most` others, get `most`.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    texts = values if values.dtype == tf.string else tf.strings.as_string(values)
    # A vocabulary is a file with a value a line, and leaves out the empty text. Base64 has no line breaks.
    quoted = "=" + tf.io.encode_base64(texts)
    return tft.compute_and_apply_vocabulary(quoted, top_k=most, default_value=most)
