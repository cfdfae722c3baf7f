"""Models of several kinds, and batches for them: what can go wrong if a model is cut into blocks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from limbeck.layers.dropout import Dropout
from limbeck.trainer.data.batches import Denominators

EXAMPLES, WIDTH, CLASSES = 12, 8, 3
layers = tf_keras.layers


@dataclasses.dataclass(frozen=True)
class Batch:
    """A batch, as a `Differentiation` takes it."""

    inputs: dict[str, Any]
    targets: dict[str, Any]
    denominators: Denominators


def residual(blocks: int = 2) -> Any:
    """Residual blocks with Dropout, and penalties on weights and activities."""
    x = tf_keras.Input([WIDTH], name="x")
    read = layers.Dense(WIDTH, kernel_regularizer="l2", name="first")(x)
    for number in range(blocks):
        wide = layers.Dense(2 * WIDTH, activation="relu", name=f"wide_{number}")(read)
        wide = Dropout(0.3, name=f"dropout_{number}")(wide)
        narrow = layers.Dense(WIDTH, activity_regularizer="l2", name=f"narrow_{number}")(wide)
        read = layers.Add(name=f"block_{number}")([read, narrow])
    return tf_keras.Model({"x": x}, layers.Dense(CLASSES, name="logits")(read))


def masked() -> Any:
    """A transformer whose mask goes from the embedding to the mean: a value that Keras hides in another one."""
    words = tf_keras.Input([6], dtype="int64", name="words")
    read = layers.Embedding(20, WIDTH, mask_zero=True, name="embedding")(words)
    for number in range(2):
        seen = layers.MultiHeadAttention(2, 4, name=f"attention_{number}")(read, read)
        read = layers.Add(name=f"attended_{number}")([read, seen])
        read = layers.LayerNormalization(name=f"norm_{number}")(read)
    return tf_keras.Model({"words": words}, layers.Dense(CLASSES)(layers.GlobalAveragePooling1D()(read)))


def skipping() -> Any:
    """A model like a U-Net: values of the way down are read again on the way up. It reads an input twice."""
    x = tf_keras.Input([WIDTH], name="x")
    down, read = [], x
    for number in range(2):
        read = layers.Dense(WIDTH, activation="tanh", name=f"down_{number}")(read)
        down.append(read)
    for number in range(2):
        read = layers.Concatenate(name=f"joined_{number}")([read, down.pop(), x])
        read = layers.Dense(WIDTH, activation="tanh", name=f"up_{number}")(read)
    return tf_keras.Model({"x": x}, layers.Dense(CLASSES)(read))


def normalised() -> Any:
    """Batch normalisation, and a layer that is called twice."""
    x = tf_keras.Input([WIDTH], name="x")
    shared = layers.Dense(WIDTH, activation="tanh", name="shared")
    read = layers.BatchNormalization(name="norm_0")(layers.Dense(WIDTH, name="first")(x))
    read = shared(shared(read))
    read = layers.BatchNormalization(name="norm_1")(layers.Dense(WIDTH, name="second")(read))
    return tf_keras.Model({"x": x}, layers.Dense(CLASSES)(layers.Activation("relu")(read)))


MODELS = {"residual": residual, "masked": masked, "skipping": skipping, "normalised": normalised}


def batch(examples: int = EXAMPLES, dtype: str = "float32") -> Batch:
    """Returns random examples for any of the models."""
    draw = np.random.default_rng(examples)
    words = draw.integers(1, 20, [examples, 6]) * (np.arange(6) < draw.integers(2, 7, [examples, 1]))
    inputs = {"x": tf.constant(draw.standard_normal([examples, WIDTH]), dtype), "words": tf.constant(words)}
    labels = tf.constant(draw.integers(0, CLASSES, examples))
    count = tf.constant(float(max(examples, 1)))
    return Batch(inputs, {"label": labels}, Denominators(count, count))


def loss(logits: Any, targets: dict[str, Any], denominators: Denominators) -> Any:
    """Returns the log loss, a float32 scalar."""
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(targets["label"], logits)
    return tf.reduce_sum(tf.cast(each, tf.float32)) / denominators.examples


def built(name: str, dtype: str = "float32") -> Any:
    """Returns a model of this name, with the same weights each time."""
    before = tf_keras.backend.floatx()
    tf_keras.utils.set_random_seed(7)
    tf_keras.backend.set_floatx(dtype)
    tf_keras.mixed_precision.set_global_policy(dtype)
    try:
        return MODELS[name]()
    finally:
        tf_keras.backend.set_floatx(before)
        tf_keras.mixed_precision.set_global_policy(before)


def gradients(differentiate: Any, given: Batch, scale: Any = None, times: int = 1) -> tuple[Any, list[Any]]:
    """Returns the value of the loss and all gradients, as arrays, computed in a graph: those of the last time."""

    @tf.function(autograph=False)
    def call() -> Any:
        found = differentiate(given.inputs, given.targets, given.denominators, scale)
        return found.value, {number: tf.convert_to_tensor(one) for number, one in found.gradients.items()}

    for _ in range(times):
        value, found = call()
    return value.numpy(), [found[number].numpy() for number in sorted(found)]
