"""Transfer objectives that compare layers, against NumPy in float64, written from the papers."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf

from limbeck.trainer.distillation.transfer import attention, hidden_cosine, hint, relational
from tests.trainer.distillation.transfer.reference import Array, assert_equal, drawn

STUDENT, TEACHER = drawn(4, 5, 3, seed=1), drawn(4, 5, 3, seed=2)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 1, 0, 1], [0, 0, 0, 0, 0]], bool)


def masked_mean(values: Array, mask: np.ndarray) -> Array:
    return np.array([v[m].mean() if m.any() else 0.0 for v, m in zip(values, mask, strict=True)])


def hint_reference(student: Array, teacher: Array) -> Array:
    return masked_mean(((student - teacher) ** 2).mean(axis=-1), MASK)


def cosine_reference(student: Array, teacher: Array) -> Array:
    lengths = np.linalg.norm(student, axis=-1) * np.linalg.norm(teacher, axis=-1)
    return masked_mean(1 - (student * teacher).sum(axis=-1) / lengths, MASK)


def attention_reference(student: Array, teacher: Array) -> Array:
    """Equation 2: Q / ||Q||, Q the sum of squares over the channels, with the square of the distance."""
    maps = []
    for layer in (student, teacher):
        squares = (layer**2).sum(axis=-1) * MASK
        lengths = np.linalg.norm(squares, axis=1, keepdims=True)
        maps.append(np.divide(squares, lengths, out=np.zeros_like(squares), where=lengths > 0))
    return np.asarray(((maps[0] - maps[1]) ** 2).sum(axis=1))


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (hint.loss, hint_reference),
        (hidden_cosine.loss, cosine_reference),
        (attention.loss, attention_reference),
    ],
)
def test_positions_that_count_are_compared(loss, reference):
    assert_equal(functools.partial(loss, mask=tf.constant(MASK)), reference, STUDENT, TEACHER)


def test_without_a_mask_all_positions_count():
    for loss in (hint.loss, hidden_cosine.loss, attention.loss):
        whole = loss(STUDENT, TEACHER, tf.ones_like(MASK))
        np.testing.assert_array_equal(loss(STUDENT, TEACHER), whole)


@pytest.mark.parametrize("loss", [hint.loss, hidden_cosine.loss])
def test_a_layer_without_positions_is_one_vector(loss):
    np.testing.assert_allclose(loss(STUDENT[:, 0], TEACHER[:, 0]), loss(STUDENT[:, :1], TEACHER[:, :1]), rtol=1e-6)


def test_attention_is_compared_over_a_picture_and_other_channels():
    student, teacher = drawn(2, 3, 3, 4), drawn(2, 3, 3, 7, seed=5)
    one, other = ((layer**2).sum(-1).reshape(2, 9) for layer in (student, teacher))
    one, other = (maps / np.linalg.norm(maps, axis=1, keepdims=True) for maps in (one, other))
    np.testing.assert_allclose(attention.loss(student, teacher), ((one - other) ** 2).sum(1), rtol=1e-5)
    assert attention.loss(student, 3 * student).numpy().max() < 1e-12


def huber(difference: float) -> float:
    return difference**2 / 2 if abs(difference) <= 1 else abs(difference) - 0.5


def distance_reference(student: Array, teacher: Array) -> Array:
    """Equations 3 to 5, with the mean over the pairs of each example instead of the sum over all."""
    count, relations = len(student), []
    for vectors in (student.reshape(count, -1), teacher.reshape(count, -1)):
        distances = np.array([[np.linalg.norm(a - b) for b in vectors] for a in vectors])
        relations.append(distances / distances[~np.eye(count, dtype=bool)].mean())
    return np.array([
        np.mean([huber(relations[0][i, j] - relations[1][i, j]) for j in range(count) if j != i])
        for i in range(count)
    ])  # fmt: skip


def angle_reference(student: Array, teacher: Array) -> Array:
    """Equations 6 to 8, by the definition of the angle at the middle one of three different examples."""
    count = len(student)

    def cosine(vectors: Array, i: int, j: int, k: int) -> float:
        one, other = vectors[i] - vectors[j], vectors[k] - vectors[j]
        return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

    flat = [layer.reshape(count, -1) for layer in (student, teacher)]
    found = []
    for j in range(count):
        pairs = itertools.permutations([n for n in range(count) if n != j], 2)
        found.append(np.mean([huber(cosine(flat[0], i, j, k) - cosine(flat[1], i, j, k)) for i, k in pairs]))
    return np.array(found)


@pytest.mark.parametrize(
    ("loss", "reference"),
    [(relational.distance_loss, distance_reference), (relational.angle_loss, angle_reference)],
)
def test_relations_of_examples_are_compared(loss, reference):
    # Far apart in the teacher, so that the linear part of the Huber loss is met too.
    teacher = drawn(4, 7, seed=3) * np.array([[0.01], [1.0], [9.0], [0.1]])
    teacher = teacher.astype(np.float32).astype(np.float64)
    assert_equal(loss, reference, STUDENT, teacher)


def test_relations_do_not_depend_on_scale_turn_and_place():
    turned, _ = np.linalg.qr(drawn(5, 5, seed=4))
    student = drawn(6, 5)
    for loss in (relational.distance_loss, relational.angle_loss):
        np.testing.assert_allclose(loss(student, 3 * student @ turned + 1.0), np.zeros(6), atol=1e-9)


LOSSES = [hint.loss, hidden_cosine.loss, attention.loss, relational.distance_loss, relational.angle_loss]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_examples_and_equal_ones_give_neither_nan_nor_an_endless_gradient(loss, count):
    # Two equal examples, which are all zeros in the student.
    student = tf.Variable(tf.zeros([count, 2, 3], tf.float16))
    with tf.GradientTape() as tape:
        losses = loss(student, tf.ones([count, 2, 3], tf.float16))
    assert losses.shape == [count] and losses.dtype == tf.float32
    assert np.isfinite(losses).all() and np.isfinite(tape.gradient(losses, student)).all()
