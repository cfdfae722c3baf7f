"""A layer that tells attention where a character stands.

Attention sees a set: without positions, a text and its anagram are the same to it.
"""

from __future__ import annotations

from typing import Any

import tf_keras


@tf_keras.saving.register_keras_serializable("limbeck.languages")
class Positions(tf_keras.layers.Layer):
    """Adds a learned vector for each place: float `[batch, length, width]` -> the same, with the same mask."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Makes the weight `places`, `[length, width]`."""
        self.places = self.add_weight(
            name="places", shape=input_shape[1:], initializer=tf_keras.initializers.RandomNormal(stddev=0.02)
        )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Adds the vectors."""
        return inputs + self.places
