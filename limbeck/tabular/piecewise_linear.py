"""Encodes a place between 0 and 1 by bins, so that a linear layer can bend at the borders of the bins.

Bin t of T holds clip(T * place - t, 0, 1): 1 in all bins below the place, 0 in all above, and a fraction in its own
(Gorishniy, Rubachev and Babenko, 2022, arXiv:2203.05556). With the place among quantiles, each bin holds equally many
training examples. A network learns thresholds from this as quickly as a tree does.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras


@tf_keras.saving.register_keras_serializable("limbeck")
class PiecewiseLinear(tf_keras.layers.Layer):
    """Turns places `[batch, columns]` between 0 and 1 into float `[batch, columns * bins]`. It has no weights.

    Args:
      bins: number of bins for each column, at least 1.

    Raises:
      ValueError: if `bins` is below 1.
    """

    def __init__(self, bins: int, **options: Any) -> None:
        super().__init__(**options)
        if bins < 1:
            raise ValueError(f"PiecewiseLinear needs at least one bin, received {bins}")
        self.bins = bins

    def call(self, places: Any) -> Any:
        """Encodes the places."""
        bins = tf.range(self.bins, dtype=places.dtype)
        encoded = tf.clip_by_value(self.bins * places[:, :, tf.newaxis] - bins, 0.0, 1.0)
        return tf.reshape(encoded, [-1, places.shape[1] * self.bins])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "bins": self.bins}
