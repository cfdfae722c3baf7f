"""A task whose optimizer keeps a moving average of the weights."""

import dataclasses

import tf_keras

from tests.trainer.session import mistakes


def build_optimizer(rate):
    return tf_keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.8)


TASK = dataclasses.replace(mistakes.TASK, name="averaged", build_optimizer=build_optimizer)
