"""Tasks that have one mistake each, for the data of `tests.trainer.world`."""

import dataclasses
import itertools

import tensorflow as tf
import tf_keras

from limbeck.task import Feature, Label, Task

layers = tf_keras.layers


def preprocessing_fn(inputs):
    return {"x": inputs["x"]}


def build(_):
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, layers.Dense(3)(x))


TASK = Task(
    name="mistaken",
    features=(Feature("x", shape=(4,)),),
    label=Label("colour", ("red", "green", "blue"), kind="text", visible_to_student="seen"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build,
    build_student=build,
)


def raising_builder(_):
    return {}["width"]


def raising_augment(inputs, seeds):
    raise ValueError("augment cannot")


def renaming_augment(inputs, seeds):
    return {"y": inputs["x"]}


def doubling_augment(inputs, seeds):
    return {"x": tf.concat([inputs["x"], -inputs["x"]], axis=0)}


def dropping_augment(inputs, seeds):
    return {"x": inputs["x"][1:]}


def ending_in_lambda(_):
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, layers.Lambda(tf.nn.softmax)(layers.Dense(3)(x)))


def with_stock_dropout(_):
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, layers.Dense(3)(layers.Dropout(0.5, name="stock")(layers.Dense(4)(x))))


def raising_optimizer(rate):
    return tf_keras.optimizers.SGD(rate * 0.5)


class Counting(layers.Layer):
    """Raises when it is called in training for the seventh time, or in a call without training."""

    def __init__(self, last, **options):
        super().__init__(**options)
        self.last, self.seen = last, 0

    def call(self, inputs, training=None):
        return (
            tf.ensure_shape(tf.numpy_function(self.count, [inputs], tf.float32), inputs.shape)
            if training
            else inputs
        )

    def count(self, values):
        self.seen += 1
        if self.seen == self.last:
            raise ValueError("seven is too many")
        return values

    def get_config(self):
        return {**super().get_config(), "last": self.last}


def at_the_seventh_step(_):
    x = tf_keras.Input([4], name="x")
    hidden = layers.Dense(3)(x)
    # Its gradient does not go through the Python function.
    return tf_keras.Model({"x": x}, hidden + tf.stop_gradient(Counting(7)(hidden) - hidden))


class Gathering(layers.Layer):
    """Fails in TensorFlow's runtime at the first batch: there is no row 9."""

    def call(self, inputs):
        rows = tf.cast(inputs[:, 0] * 0, tf.int32) + 9
        return inputs + tf.gather(tf.zeros([2, 3]), rows)


def gathering(_):
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, Gathering()(layers.Dense(3)(x)))


class Probable(tf_keras.Model):
    """Ends in probabilities, but no layer shows it."""

    def __init__(self):
        super().__init__()
        self.last = layers.Dense(3)

    def call(self, inputs):
        return tf.nn.softmax(self.last(inputs["x"]))


class Summing(tf_keras.optimizers.SGD):
    """Raises in its update."""

    def update_step(self, gradient, variable):
        raise ValueError("no such update")


def mistaken(**fields):
    return dataclasses.replace(TASK, **fields)


def raising_preprocessing(inputs):
    return {"x": inputs["xx"]}


PREPROCESSING = mistaken(preprocessing_fn=raising_preprocessing)
BUILDER = mistaken(build_teacher=raising_builder)
AUGMENT = mistaken(augment=raising_augment)
RENAMING = mistaken(augment=renaming_augment)
DOUBLING = mistaken(augment=doubling_augment)
DROPPING = mistaken(augment=dropping_augment)
STOCK_DROPOUT = mistaken(build_teacher=with_stock_dropout)
LAMBDA = mistaken(build_teacher=ending_in_lambda)
OPTIMIZER = mistaken(build_optimizer=raising_optimizer)
UPDATE = mistaken(build_optimizer=Summing)
SEVENTH = mistaken(build_teacher=at_the_seventh_step)
GATHERING = mistaken(build_teacher=gathering)
PROBABLE = mistaken(build_teacher=lambda _: Probable())


# Mistakes of the student alone: its teachers train well.
def of_another_input(_):
    x = tf_keras.Input([4], name="measures")
    return tf_keras.Model({"measures": x}, layers.Dense(3)(x))


def too_wide(_):
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, layers.Dense(5)(x))


class Particular(layers.Layer):
    """Raises where it is trained, and nowhere else."""

    def call(self, inputs, training=None):
        if training:
            raise ValueError("not in training")
        return inputs


def particular(_):
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, Particular()(layers.Dense(3)(x)))


class Subclass(tf_keras.Model):
    """Asks for an input that there is not."""

    def __init__(self):
        super().__init__()
        self.last = layers.Dense(3)

    def call(self, inputs):
        return self.last(inputs["y"])


def with_units(hyperparameters):
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, layers.Dense(hyperparameters["units"])(x))


STUDENT_BUILDER = mistaken(build_student=raising_builder)
STUDENT_INPUT = mistaken(build_student=of_another_input)
STUDENT_WIDTH = mistaken(build_student=too_wide)
STUDENT_LAYER = mistaken(build_student=particular)
STUDENT_GATHERING = mistaken(build_student=gathering)
STUDENT_SUBCLASS = mistaken(build_student=lambda _: Subclass())
STUDENT_UNITS = mistaken(build_student=with_units)


_widths = itertools.count(3)


def growing(_):
    """Builds a wider model each time, as one does whose builder draws a number."""
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, layers.Dense(3)(layers.Dense(next(_widths))(x)))


GROWING = mistaken(build_teacher=growing)
STUDENT_GROWING = mistaken(build_student=growing)
