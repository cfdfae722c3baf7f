"""Makes numbers of characters: `characters`, int64 `[batch, LENGTH]`, padded with 0 and begun with 1.

The vocabulary is computed over the training split. Words would be no better: of 85 languages, most words of a test
sentence were never seen.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from limbeck.tasks.languages.data import TEXT

# The mark in front, and at most so many characters less one. The rest of a long text is not read.
LENGTH = 32
# The most frequent characters have a number each. They are 96 % of the characters; all others share the last number.
FREQUENT = 400
PADDING, BEGIN, FIRST_CHARACTER = 0, 1, 2
VOCABULARY = FIRST_CHARACTER + FREQUENT + 1


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Numbers the characters of the column TEXT, string `[batch]`, by their frequency.

    The mark in front is what a model reads of an empty text: without it, such a text would be all padding.
    """
    characters = tf.strings.unicode_split(inputs[TEXT], "UTF-8")[:, : LENGTH - 1]
    numbers = tft.compute_and_apply_vocabulary(characters, top_k=FREQUENT, num_oov_buckets=1) + FIRST_CHARACTER
    padded = numbers.to_tensor(PADDING, shape=[None, LENGTH - 1])
    return {"characters": tf.pad(padded, [[0, 0], [1, 0]], constant_values=BEGIN)}
