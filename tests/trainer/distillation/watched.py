"""Models whose layers are compared, for tests."""

from __future__ import annotations

import tf_keras

layers = tf_keras.layers


def deep(name: str, width: int, depth: int) -> tf_keras.Model:
    """`depth` layers `name_0`, ... of `width` units on words of two numbers each, then their mean and three logits."""
    x = tf_keras.Input([4], name="x")
    hidden = layers.Masking()(layers.Reshape([2, 2])(x))
    for number in range(depth):
        hidden = layers.Dense(width, activation="tanh", name=f"{name}_{number}")(hidden)
    logits = layers.Dense(3, name="logits")(layers.GlobalAveragePooling1D(name="mean")(hidden))
    return tf_keras.Model({"x": x}, logits)
