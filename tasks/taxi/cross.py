"""A layer that multiplies features with each other, as the cross network of DCN-V2 does.

A dense layer adds its inputs. It learns "a long trip, at night, from the airport" only by many units. A cross layer
multiplies what it knows so far with all the features, so each layer adds one factor to the products that it can learn.
"""

from __future__ import annotations

from typing import Any

import tf_keras


@tf_keras.saving.register_keras_serializable("limbeck.taxi")
class Cross(tf_keras.layers.Layer):
    """Computes `features * (U V crossed + bias) + crossed` (Wang et al., 2021, arXiv:2008.13535, equation 2).

    The call takes a list of two float tensors `[batch, n]`: the features, and what the layer before made of them, which
    for the first layer are the features again. It returns `[batch, n]`.

    Args:
      rank: V maps to so many numbers, and U maps back. A full matrix would have n * n weights.

    Raises:
      ValueError: if `rank` is below 1.
    """

    def __init__(self, rank: int, **options: Any) -> None:
        super().__init__(**options)
        if rank < 1:
            raise ValueError(f"the rank of a Cross layer must be at least 1, received {rank}")
        self.rank = rank

    def build(self, input_shape: Any) -> None:
        """Makes the weights: V `[n, rank]`, U `[rank, n]` and the bias `[n]`."""
        width = int(input_shape[0][-1])
        self.inner = self.add_weight(name="inner", shape=[width, self.rank])
        self.outer = self.add_weight(name="outer", shape=[self.rank, width])
        self.bias = self.add_weight(name="bias", shape=[width], initializer="zeros")
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Multiplies the features with a linear function of what is crossed already."""
        features, crossed = inputs
        return features * (crossed @ self.inner @ self.outer + self.bias) + crossed

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "rank": self.rank}
