"""Decoupled distillation, against the equations of Zhao et al. (2022)."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf

from limbeck.trainer.distillation.transfer import decoupled
from tests.classes import classes
from tests.trainer.distillation.transfer.reference import (
    BATCH,
    CLASSES,
    STUDENT,
    TAUGHT,
    TEMPERATURES,
    Array,
    assert_equal,
    divergence,
    softmax,
)

RIGHT = np.random.default_rng(0).integers(0, CLASSES, BATCH)
LOSS = functools.partial(decoupled.categorical, classes=tf.constant(RIGHT))


def parts(student: Array, taught: Array, right: np.ndarray, temperature: float) -> tuple[Array, Array, Array]:
    """Equations 3 to 6: b is (p of the right class, all others), and p-hat the others among themselves."""
    target, own = softmax(taught / temperature).mean(axis=1), softmax(student / temperature)
    rows = np.arange(len(right))
    binary = [np.stack([one[rows, right], 1 - one[rows, right]], axis=1) for one in (target, own)]
    others = [
        np.stack([np.delete(p, place) / np.delete(p, place).sum() for p, place in zip(one, right, strict=True)])
        for one in (target, own)
    ]
    return divergence(*binary), divergence(*others), target[rows, right]


def reference(student: Array, taught: Array, temperature: float, beta: float) -> Array:
    of_right, of_others, _ = parts(student, taught, RIGHT, temperature)
    return np.asarray(temperature**2 * (of_right + beta * of_others))


@pytest.mark.parametrize("temperature", TEMPERATURES[:3])
@pytest.mark.parametrize("beta", [1.0, 8.0])
def test_it_is_the_sum_of_both_parts(temperature, beta):
    given = {"temperature": temperature, "beta": beta}
    assert_equal(functools.partial(LOSS, **given), functools.partial(reference, **given), STUDENT, TAUGHT)


def test_the_parts_make_up_the_softened_divergence():
    """Equation 7: KL = TCKD + (1 - p) NCKD. With beta = 1 - p the loss is that of soft targets."""
    student, taught = (tf.constant(one, tf.float32) for one in (STUDENT, TAUGHT))
    _, _, sure = parts(STUDENT, TAUGHT, RIGHT, 2.0)
    found = LOSS(student, taught, temperature=2.0, beta=tf.constant(1 - sure, tf.float32))
    np.testing.assert_allclose(found, classes(CLASSES).soft_loss(student, taught, 2.0), rtol=2e-5, atol=2e-6)


def test_of_two_classes_nothing_is_left_but_the_softened_divergence():
    student, taught = (tf.constant(one[..., :2], tf.float32) for one in (STUDENT, TAUGHT))
    found = decoupled.categorical(student, taught, tf.constant(RIGHT % 2), 3.0, 8.0)
    np.testing.assert_allclose(found, classes(2).soft_loss(student, taught, 3.0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32])
def test_extreme_logits_have_finite_losses_and_gradients(dtype):
    student = tf.Variable(tf.cast([[1e4, -1e4, 0.0], [-1e4, 1e4, -1e4], [0.0, 0.0, -1e4]], dtype))
    taught = tf.cast([[[-1e4, 1e4, 1e4]], [[1e4, 1e4, -1e4]], [[1e4, -1e4, -1e4]]], dtype)
    with tf.GradientTape() as tape:
        losses = decoupled.categorical(student, taught, tf.constant([0, 1, 2]), 0.5, 8.0)
    assert np.isfinite(losses).all()
    assert np.isfinite(tape.gradient(losses, student)).all()


def test_the_right_class_is_the_label_or_else_what_the_teachers_say():
    labels = np.where(np.arange(BATCH) % 2, RIGHT, -1)
    said = softmax(TAUGHT).mean(axis=1).argmax(axis=1)
    objective, taught = classes(CLASSES), tf.constant(TAUGHT, tf.float32)

    found = decoupled.right_classes(tf.constant(labels), taught, objective)

    np.testing.assert_array_equal(found, np.where(labels < 0, said, labels))
    np.testing.assert_array_equal(decoupled.right_classes(None, taught, objective), said)
