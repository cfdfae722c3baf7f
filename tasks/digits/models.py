"""The teacher, a convolutional network of 38,282 parameters, and the student, a perceptron of 2,410."""

from __future__ import annotations

from typing import Any

import tf_keras

from limbeck import Hyperparameters

CLASSES = 10


def build_teacher(hyperparameters: Hyperparameters) -> Any:
    """Builds two convolutions and a dense layer; `width` is the number of filters of the first convolution."""
    width = int(hyperparameters.get("width", 16))
    image = tf_keras.Input([64], name="image")
    hidden = tf_keras.layers.Reshape([8, 8, 1])(image)
    hidden = tf_keras.layers.Conv2D(width, 3, padding="same", activation="relu")(hidden)
    hidden = tf_keras.layers.MaxPooling2D()(hidden)
    hidden = tf_keras.layers.Conv2D(2 * width, 3, padding="same", activation="relu")(hidden)
    hidden = tf_keras.layers.Flatten()(hidden)
    hidden = tf_keras.layers.Dense(64, activation="relu", name="hidden")(hidden)
    return tf_keras.Model({"image": image}, tf_keras.layers.Dense(CLASSES, name="logits")(hidden))


def build_student(hyperparameters: Hyperparameters) -> Any:
    """Builds one hidden layer of `units` (32 by default: 16 fall behind at temperatures of 4 and 5)."""
    image = tf_keras.Input([64], name="image")
    units = int(hyperparameters.get("units", 32))
    hidden = tf_keras.layers.Dense(units, activation="relu", name="hidden")(image)
    return tf_keras.Model({"image": image}, tf_keras.layers.Dense(CLASSES, name="logits")(hidden))
