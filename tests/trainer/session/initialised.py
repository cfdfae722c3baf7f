"""Tasks whose student begins with layers of its teacher, on the data of `tests.trainer.world`; some are mistaken."""

import dataclasses

import numpy as np
import tensorflow as tf
import tf_keras

from tests.trainer.session import mistakes

layers = tf_keras.layers


def _model(depth, units):
    x = tf_keras.Input([4], name="x")
    hidden = x
    for number in range(depth):
        hidden = layers.Dense(units, activation="tanh", name=f"layer_{number}")(hidden)
    return tf_keras.Model({"x": x}, layers.Dense(3, name="logits")(layers.BatchNormalization()(hidden)))


def build_teacher(hyperparameters):
    return _model(5, int(hyperparameters.get("units", 4)))


def build_student(hyperparameters):
    return _model(3, int(hyperparameters.get("units", 4)))


def every_second(student, teacher):
    """Takes layers 0, 2 and 4, as DistilBERT does."""
    for number in range(3):
        student.get_layer(f"layer_{number}").set_weights(teacher.get_layer(f"layer_{2 * number}").get_weights())
    student.get_layer("logits").set_weights(teacher.get_layer("logits").get_weights())


def with_noise(student, teacher):
    """Draws numbers, which a process that resumes would draw anew."""
    every_second(student, teacher)
    student.set_weights(
        [values + 0.01 * np.random.standard_normal(values.shape) for values in student.get_weights()]
    )


def raising(student, teacher):
    student.get_layer("layer_9")


def freezing(student, teacher):
    every_second(student, teacher)
    student.get_layer("layer_0").trainable = False


def idle(student, teacher):
    teacher.set_weights([0 * values for values in teacher.get_weights()])


def breaking(student, teacher):
    student.set_weights([values + np.nan for values in student.get_weights()])


def initialised(function):
    return dataclasses.replace(
        mistakes.TASK,
        name="initialised",
        build_teacher=build_teacher,
        build_student=build_student,
        # Without steps of any size, what is exported is what training began with.
        build_optimizer=tf_keras.optimizers.SGD,
        initialise_student=function,
    )


TASK = initialised(every_second)
NOISY = initialised(with_noise)
RAISING = initialised(raising)
FREEZING = initialised(freezing)
IDLE = initialised(idle)
BREAKING = initialised(breaking)


class WithVocabulary(tf_keras.Model):
    """A teacher with a table among its weights, and a variable that is not trained."""

    def __init__(self):
        super().__init__()
        self.look_up = layers.StringLookup(vocabulary=["1", "2"], output_mode="one_hot")
        self.statistics = layers.BatchNormalization()
        self.last = layers.Dense(3)

    def call(self, inputs, training=None):
        texts = tf.strings.as_string(tf.cast(inputs["x"][:, 0], tf.int32))
        joined = tf.concat([self.look_up(texts), self.statistics(inputs["x"], training=training)], axis=1)
        return self.last(joined)


def the_last(student, teacher):
    student.statistics.set_weights(teacher.statistics.get_weights())
    student.last.set_weights(teacher.last.get_weights())


VOCABULARY = dataclasses.replace(
    initialised(the_last), build_teacher=lambda _: WithVocabulary(), build_student=lambda _: WithVocabulary()
)
