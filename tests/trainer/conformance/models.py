"""One small model for each thing that Keras' `fit` does. The docstring of each builder says what it shows.

All models take the inputs that `preprocessing_fn` of `tasks.py` returns: `x` float32 `[4]`, `ids` int64 `[3]`, `colour`
text, `words` text, `bag`, up to three int64, sparse, `tokens`, one to four int64, ragged, and `steps`, up to three
float32, ragged.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras

layers, regularizers = tf_keras.layers, tf_keras.regularizers
CLASSES = 3


def _x() -> Any:
    return tf_keras.Input([4], name="x")


def _model(x: Any, hidden: Any, **options: Any) -> Any:
    return tf_keras.Model({"x": x}, layers.Dense(CLASSES)(hidden), **options)


def dense(_: Any) -> Any:
    x = _x()
    return _model(x, layers.Dense(5, "tanh")(x))


def weight_penalties(_: Any) -> Any:
    x = _x()
    l2 = regularizers.L2(0.3)
    hidden = layers.Dense(5, "tanh", kernel_regularizer=l2, bias_regularizer=regularizers.L1(0.2))(x)
    return tf_keras.Model({"x": x}, layers.Dense(CLASSES, kernel_regularizer=l2)(hidden))


def activity_penalty(_: Any) -> Any:
    x = _x()
    return _model(x, layers.Dense(5, "tanh", activity_regularizer=regularizers.L2(0.5))(x))


class Spread(layers.Layer):
    """Returns its input, and adds the mean square of it to the loss."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(0.5 * tf.reduce_mean(tf.square(inputs)))
        return inputs


def layer_loss(_: Any) -> Any:
    x = _x()
    return _model(x, Spread()(layers.Dense(5, "tanh")(x)))


def model_loss(_: Any) -> Any:
    x = _x()
    hidden = layers.Dense(5, "tanh")(x)
    model = _model(x, hidden)
    model.add_loss(0.5 * tf.reduce_mean(tf.square(hidden)))
    return model


def shared_layer(_: Any) -> Any:
    x = _x()
    shared = layers.Dense(4, "tanh", kernel_regularizer=regularizers.L2(0.1))
    return _model(x, layers.Add()([shared(x), shared(shared(x))]))


def constraints(_: Any) -> Any:
    x = _x()
    norm = tf_keras.constraints.MaxNorm(0.5)
    hidden = layers.Dense(5, "tanh", kernel_constraint=norm, bias_constraint=tf_keras.constraints.NonNeg())(x)
    return _model(x, hidden)


def frozen_layer(_: Any) -> Any:
    x = _x()
    return _model(x, layers.Dense(5, "tanh", trainable=False)(layers.Dense(4, "tanh")(x)))


def batch_normalization(_: Any) -> Any:
    x = _x()
    return _model(x, layers.BatchNormalization(momentum=0.8)(layers.Dense(5)(x)))


class Louder(layers.Layer):
    """Computes something else in training."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        return inputs * 1.5 if training else inputs


def training_argument(_: Any) -> Any:
    x = _x()
    return _model(x, Louder()(layers.Dense(5, "tanh")(x)))


def embedding(_: Any) -> Any:
    ids = tf_keras.Input([3], name="ids", dtype=tf.int64)
    hidden = layers.Flatten()(layers.Embedding(7, 2)(ids))
    return tf_keras.Model({"ids": ids}, layers.Dense(CLASSES)(hidden))


def recurrent(_: Any) -> Any:
    x = _x()
    return _model(x, layers.LSTM(3)(layers.Reshape([4, 1])(x)))


def _masked(units: int) -> tuple[Any, Any]:
    """Returns the Input `ids`, and an embedding in which 0 is masked. The first step of an example never is."""
    ids = tf_keras.Input([3], name="ids", dtype=tf.int64)
    begun = tf.pad(ids, [[0, 0], [1, 0]], constant_values=1)
    return ids, layers.Embedding(7, units, mask_zero=True)(begun)


def masked_recurrent(_: Any) -> Any:
    ids, embedded = _masked(2)
    hidden = layers.Bidirectional(layers.GRU(3, return_sequences=True))(embedded)
    return tf_keras.Model({"ids": ids}, layers.Dense(CLASSES)(layers.LSTM(3)(hidden)))


def masked_attention(_: Any) -> Any:
    ids, embedded = _masked(4)
    hidden = layers.LayerNormalization()(embedded + layers.MultiHeadAttention(2, 3)(embedded, embedded))
    return tf_keras.Model({"ids": ids}, layers.Dense(CLASSES)(layers.GlobalAveragePooling1D()(hidden)))


class Largest(layers.Layer):
    """The largest value of the steps that are not masked."""

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return tf.reduce_max(tf.where(mask[..., tf.newaxis], inputs, -9.0), axis=1)


def masking(_: Any) -> Any:
    ids = tf_keras.Input([3], name="ids", dtype=tf.int64)
    steps = tf.cast(ids[..., tf.newaxis], tf.float32)
    hidden = layers.Dense(4, activation="tanh")(layers.Masking(0.0)(steps))
    return tf_keras.Model({"ids": ids}, layers.Dense(CLASSES)(Largest()(hidden)))


def attention(_: Any) -> Any:
    x = _x()
    hidden = layers.Dense(4)(layers.Reshape([4, 1])(x))
    hidden = layers.LayerNormalization()(layers.MultiHeadAttention(2, 3)(hidden, hidden))
    return _model(x, layers.GlobalAveragePooling1D()(hidden))


def convolution(_: Any) -> Any:
    x = _x()
    hidden = layers.Conv1D(3, 2, activation="relu")(layers.Reshape([4, 1])(x))
    return _model(x, layers.Flatten()(layers.MaxPooling1D()(hidden)))


def string_lookup(_: Any) -> Any:
    colour = tf_keras.Input([], name="colour", dtype=tf.string)
    number = layers.StringLookup(vocabulary=["red", "green", "blue"])(colour)
    return tf_keras.Model({"colour": colour}, layers.Dense(CLASSES)(layers.Embedding(4, 3)(number)))


def text_vectorization(_: Any) -> Any:
    words = tf_keras.Input([], name="words", dtype=tf.string)
    vectors = layers.TextVectorization(max_tokens=12, output_mode="multi_hot")
    vectors.adapt(["one two three", "two three four", "three four five six"])
    return tf_keras.Model({"words": words}, layers.Dense(CLASSES)(vectors(words)))


def integer_lookup(_: Any) -> Any:
    ids = tf_keras.Input([3], name="ids", dtype=tf.int64)
    known = layers.IntegerLookup(vocabulary=[1, 3, 5], output_mode="multi_hot")(ids)
    hashed = layers.CategoryEncoding(4, output_mode="multi_hot")(layers.Hashing(4)(ids))
    return tf_keras.Model({"ids": ids}, layers.Dense(CLASSES)(layers.Concatenate()([known, hashed])))


def normalization(_: Any) -> Any:
    x = _x()
    adapted = layers.Normalization()
    adapted.adapt([[0.0, 1.0, 2.0, 3.0], [1.0, 1.5, -2.0, 5.0], [2.0, 0.0, 0.5, 1.0]])
    return _model(x, layers.Rescaling(0.5, offset=0.1)(adapted(x)))


def sparse_input(_: Any) -> Any:
    bag = tf_keras.Input([None], name="bag", dtype=tf.int64, sparse=True)
    hidden = layers.CategoryEncoding(7, output_mode="multi_hot")(bag)
    return tf_keras.Model({"bag": bag}, layers.Dense(CLASSES)(layers.Dense(4, "tanh")(hidden)))


class Weighing(layers.Layer):
    """Multiplies a sparse matrix with a weight for each number that it may hold, without making it dense."""

    def build(self, _: Any) -> None:
        self.table = self.add_weight(name="table", shape=[7, 2], initializer="glorot_uniform")

    def call(self, inputs: Any) -> Any:
        return tf.nn.embedding_lookup_sparse(self.table, inputs, None, combiner="sum")


def sparse_lookup(_: Any) -> Any:
    bag = tf_keras.Input([None], name="bag", dtype=tf.int64, sparse=True)
    ids = tf_keras.Input([3], name="ids")
    # An example without a value has no row of its own where it is the last.
    both = layers.Concatenate()([Weighing()(Filled()(bag)), ids])
    return tf_keras.Model({"bag": bag, "ids": ids}, layers.Dense(CLASSES)(both))


class Filled(layers.Layer):
    """Puts a 0 into examples without a value."""

    def call(self, inputs: Any) -> Any:
        return tf.sparse.fill_empty_rows(inputs, tf.constant(0, tf.int64))[0]


def ragged_input(_: Any) -> Any:
    tokens = tf_keras.Input([None], name="tokens", dtype=tf.int64, ragged=True)
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(7, 4)(tokens))
    return tf_keras.Model({"tokens": tokens}, layers.Dense(CLASSES)(hidden))


def ragged_recurrent(_: Any) -> Any:
    tokens = tf_keras.Input([None], name="tokens", dtype=tf.int64, ragged=True)
    return tf_keras.Model(
        {"tokens": tokens}, layers.Dense(CLASSES)(layers.LSTM(3)(layers.Embedding(7, 2)(tokens)))
    )


def ragged_for_dense(_: Any) -> Any:
    tokens = tf_keras.Input([None], name="tokens", dtype=tf.int64)
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(7, 4)(tokens))
    return tf_keras.Model({"tokens": tokens}, layers.Dense(CLASSES)(hidden))


class Bags(tf_keras.Model):
    """A subclass that takes both kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = layers.Embedding(7, 4), layers.Dense(CLASSES)
        self.encoding = layers.CategoryEncoding(7, output_mode="multi_hot")

    def call(self, inputs: Any) -> Any:
        steps = tf.reduce_sum(inputs["steps"], axis=1)[:, tf.newaxis]
        words = tf.reduce_mean(self.table(inputs["tokens"]), axis=1)
        return self.last(tf.concat([words, self.encoding(inputs["bag"]), steps], axis=1))


def ragged_subclass(_: Any) -> Any:
    return Bags()


class Net(tf_keras.Model):
    """A model written as a class, with its own penalty and its own loss."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = layers.Dense(5, "tanh", kernel_regularizer=regularizers.L2(0.1))
        self.last = layers.Dense(CLASSES)

    def call(self, inputs: Any, training: Any = None) -> Any:
        hidden = self.hidden(inputs["x"])
        if training:
            hidden *= 1.25
        self.add_loss(0.1 * tf.reduce_mean(tf.abs(hidden)))
        return self.last(hidden)


def subclass(_: Any) -> Any:
    return Net()


def called_subclass(_: Any) -> Any:
    net = Net()
    net({"x": tf.zeros([1, 4])})
    return net


def sequential(_: Any) -> Any:
    return tf_keras.Sequential([layers.InputLayer([4], name="x"), layers.Dense(5, "tanh"), layers.Dense(CLASSES)])


def one_tensor(_: Any) -> Any:
    x = _x()
    return tf_keras.Model(x, layers.Dense(CLASSES)(x))


def listed_inputs(_: Any) -> Any:
    ids, x = tf_keras.Input([3], name="ids"), _x()
    return tf_keras.Model([x, ids], layers.Dense(CLASSES)(layers.Concatenate()([ids, x])))


def nested(_: Any) -> Any:
    x = _x()
    inner = tf_keras.Sequential(
        [layers.Dense(4, "tanh", activity_regularizer=regularizers.L2(0.1)), layers.Dense(4)]
    )
    y = tf_keras.Input([4])
    outer = tf_keras.Model(y, layers.Dense(4, "tanh")(inner(y)))
    return _model(x, layers.Add()([outer(x), inner(x)]))


class Seen(layers.Layer):
    """Counts its steps, and remembers a decaying mean, in weights that are not trained."""

    def build(self, shape: Any) -> None:
        self.count = self.add_weight(name="count", shape=[], initializer="zeros", trainable=False)

    def call(self, inputs: Any, training: Any = None) -> Any:
        if training:
            self.count.assign_add(1.0)
        return inputs * (1.0 + 0.1 * self.count)


def own_counter(_: Any) -> Any:
    x = _x()
    return _model(x, Seen()(layers.Dense(5, "tanh")(x)))


def seeded_noise(_: Any) -> Any:
    x = _x()
    return _model(x, layers.Dropout(0.3, seed=3)(layers.GaussianNoise(0.2, seed=4)(layers.Dense(5, "tanh")(x))))


# The following models are refused.


def compiled(_: Any) -> Any:
    model = dense(_)
    model.compile("sgd", "mse")
    return model


class OwnStep(tf_keras.Model):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def own_train_step(_: Any) -> Any:
    x = _x()
    return OwnStep({"x": x}, layers.Dense(CLASSES)(x))


class OwnLoss(tf_keras.Model):
    def compute_loss(self, *given: Any, **named: Any) -> Any:
        return super().compute_loss(*given, **named)


def own_compute_loss(_: Any) -> Any:
    x = _x()
    return OwnLoss({"x": x}, layers.Dense(CLASSES)(x))


class Measured(layers.Layer):
    def call(self, inputs: Any) -> Any:
        self.add_metric(tf.reduce_mean(inputs), name="level")
        return inputs


def own_metric(_: Any) -> Any:
    x = _x()
    return _model(x, Measured()(layers.Dense(5)(x)))


def all_frozen(_: Any) -> Any:
    model = dense(_)
    model.trainable = False
    return model


def softmax(_: Any) -> Any:
    x = _x()
    return tf_keras.Model({"x": x}, layers.Dense(CLASSES, activation="softmax")(x))


def sigmoid_operation(_: Any) -> Any:
    x = _x()
    return tf_keras.Model({"x": x}, tf.nn.sigmoid(layers.Dense(CLASSES)(x)))


def nested_softmax(_: Any) -> Any:
    x = _x()
    return tf_keras.Model({"x": x}, tf_keras.Sequential([layers.Dense(CLASSES), layers.Softmax()])(x))


def nameless_sequential(_: Any) -> Any:
    return tf_keras.Sequential([layers.Dense(5), layers.Dense(CLASSES)])


def renamed(_: Any) -> Any:
    x = tf_keras.Input([4], name="idss")
    return tf_keras.Model({"idss": x}, layers.Dense(CLASSES)(x))


def wider(_: Any) -> Any:
    x = tf_keras.Input([6], name="x")
    return _model(x, x)


def text_for_number(_: Any) -> Any:
    colour = tf_keras.Input([1], name="colour")
    return tf_keras.Model({"colour": colour}, layers.Dense(CLASSES)(colour))


class Positional(tf_keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.last = layers.Dense(CLASSES)

    def call(self, x: Any, ids: Any) -> Any:
        return self.last(tf.concat([x, ids], axis=1))


def positional_subclass(_: Any) -> Any:
    return Positional()


def several_outputs(_: Any) -> Any:
    x = _x()
    return tf_keras.Model({"x": x}, {"logits": layers.Dense(CLASSES)(x), "hidden": x})


def ragged_dense(_: Any) -> Any:
    steps = tf_keras.Input([None], name="steps", ragged=True)
    return tf_keras.Model({"steps": steps}, layers.Dense(CLASSES)(steps))


class Untrainable(layers.Layer):
    """Fails, but only in training."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        if training:
            raise ValueError("this layer cannot be trained")
        return inputs


def raising_layer(_: Any) -> Any:
    x = _x()
    return _model(x, Untrainable()(layers.Dense(5)(x)))
