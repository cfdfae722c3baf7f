"""A convolution that sees nothing of padding.

Keras' own one does not look at a mask, so the last characters of a text would see what stands for padding, and the
answer would depend on it.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras


@tf_keras.saving.register_keras_serializable("limbeck.languages")
class MaskedConvolution(tf_keras.layers.Conv1D):
    """Computes `tf_keras.layers.Conv1D` of its inputs with zeros in masked places. It hands no mask on."""

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Convolves float `[batch, length, width]`. `mask`, bool `[batch, length]`, is false in places of padding."""
        if mask is not None:
            inputs = inputs * tf.cast(mask, inputs.dtype)[:, :, tf.newaxis]
        return super().call(inputs)
