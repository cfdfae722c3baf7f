"""A task with a teacher of as many equal layers as `hyperparameters["layers"]`, each of 1 MiB of weights.

For the data of `tests.trainer.world`.
"""

import dataclasses

import tf_keras

from limbeck.task import Feature, Label, Task

UNITS, MEGABYTES_A_LAYER = 512, 1.0
layers = tf_keras.layers


def preprocessing_fn(inputs):
    return {"x": inputs["x"]}


def build_teacher(hyperparameters):
    x = tf_keras.Input([4], name="x")
    read = layers.Dense(UNITS)(x)
    for _ in range(hyperparameters["layers"]):
        read = layers.Dense(UNITS, activation="tanh", use_bias=False)(read)
    return tf_keras.Model({"x": x}, layers.Dense(3)(read))


def build_student(_):
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, layers.Dense(3)(x))


TASK = Task(
    name="deep",
    features=(Feature("x", shape=(4,)),),
    label=Label("colour", ("red", "green", "blue"), kind="text", visible_to_student="seen"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
)
SGD = dataclasses.replace(TASK, build_optimizer=tf_keras.optimizers.SGD)
