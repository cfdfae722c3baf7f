"""The Jensen-Shannon divergence, against Lin's definition by entropies."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf

from limbeck.trainer.distillation.transfer import jensen_shannon
from tests.classes import classes
from tests.trainer.distillation.transfer.reference import (
    CLASSES,
    STUDENT,
    TAUGHT,
    TEMPERATURES,
    Array,
    assert_equal,
    sigmoid,
    softmax,
)


def entropy(p: Array) -> Array:
    return np.asarray(-(p * np.log(p)).sum(axis=-1))


def shannon(p: Array, q: Array) -> Array:
    """Lin (1991), equation 4.1 with equal weights: H((p + q) / 2) - H(p) / 2 - H(q) / 2."""
    return np.asarray(entropy((p + q) / 2) - entropy(p) / 2 - entropy(q) / 2)


def categorical(student: Array, taught: Array, temperature: float) -> Array:
    target = softmax(taught / temperature).mean(axis=1)
    return temperature**2 * shannon(target, softmax(student / temperature))


def bernoulli(student: Array, taught: Array, temperature: float) -> Array:
    target, own = sigmoid(taught / temperature).mean(axis=1), sigmoid(student / temperature)
    both = [np.stack([one, 1 - one], axis=-1) for one in (target, own)]
    return np.asarray(temperature**2 * shannon(*both).mean(axis=-1))


@pytest.mark.parametrize("temperature", TEMPERATURES[:3])
@pytest.mark.parametrize(
    ("loss", "reference"), [(jensen_shannon.categorical, categorical), (jensen_shannon.bernoulli, bernoulli)]
)
def test_it_is_lins_divergence(loss, reference, temperature):
    assert_equal(
        functools.partial(loss, temperature=temperature),
        functools.partial(reference, temperature=temperature),
        STUDENT,
        TAUGHT,
    )


@pytest.mark.parametrize("loss", [jensen_shannon.categorical, jensen_shannon.bernoulli])
def test_opposite_answers_cost_log_2_and_no_more(loss):
    sure = tf.constant([[1e4, -1e4], [-1e4, 1e4]], tf.float16)
    student = tf.Variable(sure[::-1])
    with tf.GradientTape() as tape:
        losses = loss(student, sure[:, tf.newaxis], 1.0)
    # Two answers of yes or no are as wrong as one of them.
    np.testing.assert_allclose(losses, np.full(2, np.log(2)), rtol=1e-6)
    assert np.isfinite(tape.gradient(losses, student)).all()


def test_a_student_that_equals_its_teacher_has_nothing_to_learn():
    student = tf.Variable(STUDENT, dtype=tf.float32)
    with tf.GradientTape() as tape:
        losses = jensen_shannon.categorical(student, student[:, tf.newaxis], 2.0)
    np.testing.assert_allclose(losses, np.zeros(len(STUDENT)), atol=1e-6)
    np.testing.assert_allclose(tape.gradient(losses, student), np.zeros_like(STUDENT), atol=1e-6)


def test_at_high_temperature_it_is_a_quarter_of_the_divergence_of_soft_targets():
    student, taught = (tf.constant(one, tf.float32) for one in (STUDENT, TAUGHT[:, :1]))
    whole = classes(CLASSES).soft_loss(student, taught, 30.0)
    np.testing.assert_allclose(jensen_shannon.categorical(student, taught, 30.0), whole / 4, rtol=0.05)
