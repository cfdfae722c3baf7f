"""Exactly the layers whose random numbers no checkpoint holds are named."""

import pytest
import tensorflow as tf
import tf_keras

from limbeck.layers.dropout import Dropout
from limbeck.trainer.recovery.exactness import inexact_layers, warning

layers = tf_keras.layers


class OwnNoise(layers.Layer):
    """A layer that a user wrote."""

    def call(self, inputs, training=None):
        return inputs + tf.random.normal(tf.shape(inputs)) if training else inputs


class OwnGenerator(layers.Layer):
    """Draws from its own generator."""

    def __init__(self, **options):
        super().__init__(**options)
        self.generator = tf.random.Generator.from_seed(1)

    def call(self, inputs):
        return inputs + self.generator.normal([1])


class Stateless(layers.Layer):
    """Always draws the same numbers."""

    def call(self, inputs):
        return inputs + tf.random.stateless_normal(tf.shape(inputs), [1, 2])


class Within(layers.Layer):
    """Contains a layer, and calls it under a condition."""

    def __init__(self, inner, **options):
        super().__init__(**options)
        self.inner = inner

    def call(self, inputs, training=None):
        positive = tf.reduce_sum(inputs) > 0
        return tf.cond(positive, lambda: self.inner(inputs, training=training), lambda: inputs)


def model(*some):
    x = tf_keras.Input([4, 6], name="x")
    hidden = x
    for one in some:
        hidden = one(hidden)
    return tf_keras.Model({"x": x}, layers.Dense(2, name="logits")(hidden))


def attention(name, rate):
    return lambda hidden: layers.MultiHeadAttention(2, 3, dropout=rate, name=name)(hidden, hidden)


@pytest.mark.parametrize("layer", [
    layers.Dropout(0.1, name="it"),
    layers.SpatialDropout1D(0.1, name="it"),
    layers.GaussianNoise(0.1, name="it"),
    layers.GaussianDropout(0.1, name="it"),
    layers.AlphaDropout(0.1, name="it"),
    layers.Dropout(0.1, seed=3, name="it"),
    OwnNoise(name="it"),
    OwnGenerator(name="it"),
    layers.Lambda(lambda x: tf.nn.dropout(x, 0.1), name="it"),
    layers.Lambda(lambda x: tf.ensure_shape(tf.numpy_function(lambda y: y, [x], tf.float32), x.shape), name="it"),
    Within(layers.Dropout(0.1, name="inner"), name="it"),
], ids=lambda layer: type(layer).__name__)  # fmt: skip
def test_a_layer_that_draws_from_the_process_is_named(layer):
    assert inexact_layers(model(layers.Dense(6), layer)) == ("it",)


@pytest.mark.parametrize("layer", [
    Dropout(0.5),
    layers.Dropout(0),
    layers.BatchNormalization(),
    layers.LSTM(6, return_sequences=True),
    attention("it", 0.0),
    Stateless(),
    Within(Dropout(0.5)),
    layers.Lambda(lambda x: tf.ensure_shape(tf.numpy_function(lambda y: y, [x], tf.float32, stateful=False), x.shape)),
], ids=lambda layer: type(layer).__name__)  # fmt: skip
def test_a_layer_that_is_exact_is_not_named(layer):
    assert inexact_layers(model(layer)) == ()


def test_layers_within_layers_are_found():
    inner = tf_keras.Sequential([layers.Dense(6), layers.Dropout(0.5, name="deep")], name="inner")
    recurrent = layers.LSTM(6, dropout=0.1, return_sequences=True, name="rnn")
    found = inexact_layers(model(inner, attention("heads", 0.2), recurrent))
    assert [name.partition("/")[0] for name in found] == ["heads", "inner", "rnn"]
    assert "inner/deep" in found


def test_looking_changes_nothing():
    looked_at = model(Dropout(0.5), layers.BatchNormalization())
    before = looked_at.get_weights()
    inexact_layers(looked_at)
    for one, other in zip(before, looked_at.get_weights(), strict=True):
        assert (one == other).all()


def test_there_is_no_warning_of_an_exact_model():
    assert warning(model(Dropout(0.5)), tf_keras.optimizers.Adam()) is None


@pytest.mark.parametrize("wrap", [lambda one: one, tf_keras.mixed_precision.LossScaleOptimizer])
def test_the_warning_names_layers_and_optimizer(wrap):
    told = warning(model(layers.Dropout(0.5, name="it")), wrap(tf_keras.optimizers.Nadam()))
    assert "these depend on: layer 'it', optimizer Nadam. If the training" in told
