"""The squared distance of logits, against the formula, and as the limit of soft targets at a high temperature."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from limbeck.trainer.distillation.transfer import logit_squared_error
from tests.classes import classes
from tests.trainer.distillation.transfer.reference import CLASSES, STUDENT, TAUGHT, Array, assert_equal


def centred(logits: Array) -> Array:
    return np.asarray(logits - logits.mean(axis=-1, keepdims=True))


def test_it_is_the_mean_square_of_centred_logits_against_the_mean_of_the_teachers():
    assert_equal(
        logit_squared_error.categorical,
        lambda student, taught: np.square(centred(student) - centred(taught.mean(axis=1))).mean(axis=-1),
        STUDENT,
        TAUGHT,
    )


def test_the_logits_of_answers_are_not_centred():
    assert_equal(
        logit_squared_error.bernoulli,
        lambda student, taught: np.square(student - taught.mean(axis=1)).mean(axis=-1),
        STUDENT,
        TAUGHT,
    )


def test_a_number_that_is_added_to_all_logits_costs_nothing():
    student, taught = (tf.constant(one, tf.float32) for one in (STUDENT, TAUGHT))
    np.testing.assert_allclose(
        logit_squared_error.categorical(student + 7.0, taught - 3.0),
        logit_squared_error.categorical(student, taught),
        rtol=1e-4,
    )


def test_it_is_twice_the_loss_of_soft_targets_at_a_high_temperature():
    """Hinton, Vinyals and Dean (2015), section 2.1: T^2 KL approaches sum((z - v)^2) / (2 classes)."""
    student, taught = (tf.constant(one, tf.float32) for one in (STUDENT, TAUGHT[:, :1]))
    softened = classes(CLASSES).soft_loss(student, taught, 60.0)
    np.testing.assert_allclose(logit_squared_error.categorical(student, taught) / 2, softened, rtol=0.05)
