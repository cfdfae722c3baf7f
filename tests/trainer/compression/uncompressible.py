"""Tasks whose students cannot be compressed, for the data of `tests.trainer.world`."""

import dataclasses

import tensorflow as tf
import tf_keras

from tests.trainer.session.mistakes import TASK

layers = tf_keras.layers


def functional(*parts):
    x = hidden = tf_keras.Input([4], name="x")
    for part in parts:
        hidden = part(hidden)
    return tf_keras.Model({"x": x}, hidden)


def texts(values):
    """Looks texts up within the model."""
    numbers = tf.strings.to_hash_bucket_fast(tf.strings.as_string(values), 8)
    return tf.cast(numbers, tf.float32)


class Mixing(layers.Layer):
    """A layer of the task, which tensorflow-model-optimization does not know."""

    def build(self, shape):
        self.kernel = self.add_weight("kernel", [shape[-1], 3])

    def call(self, inputs):
        return inputs @ self.kernel


class Subclass(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs["x"])


def of(build):
    return dataclasses.replace(TASK, build_student=lambda _: build())


TEXTS = of(lambda: functional(layers.Lambda(texts), layers.Dense(3)))
OPERATOR = of(lambda: functional(layers.Dense(3), layers.Lambda(tf.math.bessel_i0e)))
MIXING = of(lambda: functional(Mixing()))
LAMBDA = of(lambda: functional(layers.Dense(3), layers.Lambda(lambda values: 2 * values), layers.Dense(3)))
SUBCLASS = of(Subclass)
GOOD = of(lambda: functional(layers.Dense(8, activation="relu"), layers.Dense(3)))
