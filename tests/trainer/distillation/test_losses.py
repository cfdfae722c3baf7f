"""Compares every value with float64 NumPy, written from the formulas and not from the code."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from limbeck.settings.distillation import DistillationConfig
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.distillation import losses as parts
from limbeck.trainer.distillation.losses import mean_part
from tests.classes import classes

TOLERANCE = {"rtol": 1e-6, "atol": 1e-6}
TEMPERATURES = [0.5, 1.0, 2.0, 10.0]
BATCH, TEACHERS, CLASSES = 23, 3, 5
OBJECTIVE = classes(CLASSES)
hard_loss, soft_loss = OBJECTIVE.hard_loss, OBJECTIVE.soft_loss
soft_targets, pseudo_labels = OBJECTIVE.soft_targets, OBJECTIVE.pseudo_labels
distillation_loss = functools.partial(parts.distillation_loss, objective=OBJECTIVE)


def softmax(logits):
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def cross_entropy(logits, labels):
    losses = -log_softmax(logits)[np.arange(len(labels)), np.maximum(labels, 0)]
    return np.where(labels == -1, 0, losses)


def mean_probabilities(teacher_logits, temperature):
    return softmax(teacher_logits / temperature).mean(axis=1)


def divergence(logits, teacher_logits, temperature):
    targets = mean_probabilities(teacher_logits, temperature)
    # 0 * log(0) is 0.
    log_targets = np.log(np.where(targets > 0, targets, 1.0))
    return temperature**2 * (targets * (log_targets - log_softmax(logits / temperature))).sum(-1)


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(5)
    labels = generator.integers(-1, CLASSES, BATCH)
    assert (labels == -1).any()
    # Rounded to float32, so that the reference and the code get the same numbers.
    logits = (3 * generator.standard_normal([BATCH, CLASSES])).astype(np.float32).astype(np.float64)
    teachers = (3 * generator.standard_normal([BATCH, TEACHERS, CLASSES])).astype(np.float32).astype(np.float64)
    return logits, labels, teachers


def f32(values):
    return tf.constant(values, tf.float32)


def counts(labels):
    return Denominators(f32(len(labels)), f32((labels != -1).sum()))


def test_hard_loss(data):
    logits, labels, _ = data
    losses = hard_loss(f32(logits), tf.constant(labels))
    assert losses.dtype == tf.float32
    np.testing.assert_allclose(losses, cross_entropy(logits, labels), **TOLERANCE)
    assert (losses.numpy()[labels == -1] == 0).all()


def test_hard_loss_of_an_unlabelled_example_has_no_gradient(data):
    logits, labels, _ = data
    given = f32(logits)
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = tf.reduce_sum(hard_loss(given, tf.constant(labels)))
    expected = (softmax(logits) - np.eye(CLASSES)[labels]) * (labels != -1)[:, np.newaxis]
    np.testing.assert_allclose(tape.gradient(loss, given), expected, **TOLERANCE)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_soft_targets_are_the_mean_of_probabilities(data, temperature):
    _, _, teachers = data
    targets = soft_targets(f32(teachers), temperature)
    assert targets.shape == [BATCH, CLASSES]
    np.testing.assert_allclose(tf.exp(targets), mean_probabilities(teachers, temperature), **TOLERANCE)
    np.testing.assert_allclose(tf.reduce_sum(tf.exp(targets), -1), np.ones(BATCH), **TOLERANCE)


def test_soft_targets_are_not_the_softmax_of_mean_logits():
    torn = np.array([[[2.0, 0.0, 0.0], [0.0, 8.0, 0.0]]])
    targets = tf.exp(soft_targets(f32(torn), 1.0)).numpy()
    np.testing.assert_allclose(targets, softmax(torn).mean(1), **TOLERANCE)
    assert np.abs(targets - softmax(torn.mean(1))).max() > 0.1


def test_pseudo_labels_are_the_most_probable_class_of_the_ensemble(data):
    _, _, teachers = data
    found = pseudo_labels(f32(teachers))
    assert found.dtype == tf.int64
    np.testing.assert_array_equal(found, mean_probabilities(teachers, 1.0).argmax(-1))
    assert (found.numpy() != teachers.mean(1).argmax(-1)).any(), "the data do not tell this from mean logits"
    assert (found.numpy() != teachers[:, 0].argmax(-1)).any()


@pytest.mark.parametrize("dtype", [tf.float32, tf.float16, tf.bfloat16])
def test_pseudo_labels_of_extreme_logits(dtype):
    teachers = tf.cast(np.stack([EXTREME[:2], EXTREME[[4, 3]]], axis=1), dtype)
    exact = tf.cast(teachers, tf.float64).numpy()
    np.testing.assert_array_equal(pseudo_labels(teachers), mean_probabilities(exact, 1.0).argmax(-1))


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_soft_loss(data, temperature):
    logits, _, teachers = data
    losses = soft_loss(f32(logits), f32(teachers), temperature)
    assert losses.dtype == tf.float32
    # The factor T^2 magnifies the rounding of float32 logarithms too.
    expected = divergence(logits, teachers, temperature)
    np.testing.assert_allclose(losses / temperature**2, expected / temperature**2, rtol=0, atol=1e-6)
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_the_gradient_of_the_soft_loss(data, temperature):
    logits, _, teachers = data
    given, taught = f32(logits), f32(teachers)
    with tf.GradientTape() as tape:
        tape.watch([given, taught])
        loss = tf.reduce_sum(soft_loss(given, taught, temperature))
    gradient, of_teachers = tape.gradient(loss, [given, taught])
    expected = temperature * (softmax(logits / temperature) - mean_probabilities(teachers, temperature))
    np.testing.assert_allclose(gradient, expected, **TOLERANCE)
    assert of_teachers is None, "teachers are constants"


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_a_student_that_equals_its_teacher_has_nothing_to_learn(data, temperature):
    logits, _, _ = data
    given = f32(logits)
    with tf.GradientTape() as tape:
        tape.watch(given)
        losses = soft_loss(given, given[:, tf.newaxis], temperature)
    np.testing.assert_allclose(losses, np.zeros(BATCH), atol=1e-6)
    np.testing.assert_allclose(tape.gradient(losses, given), np.zeros([BATCH, CLASSES]), atol=1e-6)


def test_the_soft_loss_is_positive_if_student_and_teacher_differ(data):
    logits, _, teachers = data
    assert (soft_loss(f32(logits), f32(teachers), 2.0).numpy() > 1e-3).all()


EXTREME = np.array([
    [1e4, -1e4, 0.0], [-1e4, 1e4, -1e4], [1e4, 1e4, 1e4], [0.0, 0.0, -1e4], [-1e4, -1e4, -1e4],
])  # fmt: skip


@pytest.mark.parametrize("temperature", [0.5, 1.0, 20.0])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float16, tf.bfloat16])
def test_extreme_logits_of_any_dtype_give_finite_float32(temperature, dtype):
    # Not every dtype holds 1e4 exactly, so the reference gets the rounded numbers too.
    student = tf.cast(EXTREME, dtype)
    teachers = tf.cast(np.stack([EXTREME[::-1], np.roll(EXTREME, 1, axis=1)], axis=1), dtype)
    labels = np.array([1, 0, 2, -1, 2])
    exact, taught = (tf.cast(values, tf.float64).numpy() for values in (student, teachers))
    with tf.GradientTape() as tape:
        tape.watch(student)
        hard, soft = hard_loss(student, tf.constant(labels)), soft_loss(student, teachers, temperature)
        loss = tf.reduce_sum(hard) + tf.reduce_sum(soft)
    assert hard.dtype == soft.dtype == tf.float32
    np.testing.assert_allclose(hard, cross_entropy(exact, labels), **TOLERANCE)
    np.testing.assert_allclose(soft, divergence(exact, taught, temperature), **TOLERANCE)
    targets = soft_targets(teachers, temperature)
    assert targets.dtype == tf.float32
    assert np.isfinite(targets).all()
    np.testing.assert_allclose(tf.exp(targets), mean_probabilities(taught, temperature), **TOLERANCE)
    assert np.isfinite(tf.cast(tape.gradient(loss, student), tf.float32)).all()


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_logits_of_half_precision_are_computed_in_float32(data, dtype):
    logits, labels, teachers = data
    student, taught = tf.cast(logits, dtype), tf.cast(teachers, dtype)
    exact, exact_teachers = (tf.cast(values, tf.float64).numpy() for values in (student, taught))
    np.testing.assert_allclose(hard_loss(student, tf.constant(labels)), cross_entropy(exact, labels), **TOLERANCE)
    np.testing.assert_allclose(
        soft_loss(student, taught, 3.0), divergence(exact, exact_teachers, 3.0), **TOLERANCE
    )


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_distillation_loss(data, alpha, temperature):
    logits, labels, teachers = data
    config = DistillationConfig(temperature=temperature, alpha=alpha)
    loss = distillation_loss(f32(logits), tf.constant(labels), f32(teachers), config, counts(labels))
    hard = cross_entropy(logits, labels).sum() / (labels != -1).sum()
    soft = divergence(logits, teachers, temperature).mean()
    assert (loss.dtype, loss.shape) == (tf.float32, [])
    np.testing.assert_allclose(loss, (1 - alpha) * hard + alpha * soft, **TOLERANCE)


def test_alpha_0_is_training_on_labels_bit_for_bit_and_touches_no_teacher(data):
    logits, labels, _ = data
    loss = distillation_loss(f32(logits), tf.constant(labels), None, DistillationConfig(alpha=0.0), counts(labels))
    plain = mean_part(hard_loss(f32(logits), tf.constant(labels)), counts(labels).labelled)
    assert loss.numpy() == plain.numpy()


def test_alpha_1_touches_no_label(data):
    logits, _, teachers = data
    config = DistillationConfig(alpha=1.0, temperature=2.0)
    loss = distillation_loss(f32(logits), None, f32(teachers), config, Denominators(f32(BATCH), f32(0)))
    np.testing.assert_allclose(loss, divergence(logits, teachers, 2.0).mean(), **TOLERANCE)


@pytest.mark.parametrize("cut", [0, 1, 7, 22])
def test_the_parts_of_uneven_replicas_add_up_to_the_loss_of_the_whole(data, cut):
    logits, labels, teachers = data
    config = DistillationConfig(temperature=2.0, alpha=0.4)
    whole = counts(labels)

    def loss_and_gradient(part):
        given = f32(logits[part])
        with tf.GradientTape() as tape:
            tape.watch(given)
            loss = distillation_loss(given, tf.constant(labels[part]), f32(teachers[part]), config, whole)
        return loss, tape.gradient(loss, given)

    parts = [loss_and_gradient(part) for part in (slice(0, cut), slice(cut, None))]
    expected, gradient = loss_and_gradient(slice(None))
    np.testing.assert_allclose(sum(loss for loss, _ in parts), expected, **TOLERANCE)
    np.testing.assert_allclose(np.concatenate([part for _, part in parts]), gradient, **TOLERANCE)


def test_a_replica_without_a_label_adds_nothing_to_the_hard_term(data):
    logits, _, teachers = data
    unlabelled = tf.fill([BATCH], tf.constant(-1, tf.int64))
    config = DistillationConfig(alpha=0.0)
    elsewhere = Denominators(f32(2 * BATCH), f32(4))
    assert distillation_loss(f32(logits), unlabelled, f32(teachers), config, elsewhere).numpy() == 0


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_batch_without_any_label_gives_no_nan(data, alpha):
    logits, _, teachers = data
    unlabelled = tf.fill([BATCH], tf.constant(-1, tf.int64))
    config = DistillationConfig(alpha=alpha, temperature=2.0)
    given = f32(logits)
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = distillation_loss(given, unlabelled, f32(teachers), config, Denominators(f32(BATCH), f32(0)))
    np.testing.assert_allclose(loss, alpha * divergence(logits, teachers, 2.0).mean(), **TOLERANCE)
    assert np.isfinite(tape.gradient(loss, given)).all()


@pytest.mark.parametrize("progress", [0.0, 0.25, 1.0])
def test_temperature_and_share_of_the_step_count(data, progress):
    logits, labels, teachers = data
    config = DistillationConfig(temperature=4.0, temperature_end=1.0, alpha=0.0, alpha_end=1.0)
    given = counts(labels)._replace(progress=f32(progress))
    loss = distillation_loss(f32(logits), tf.constant(labels), f32(teachers), config, given)
    hard = cross_entropy(logits, labels).sum() / (labels != -1).sum()
    soft = divergence(logits, teachers, 4 - 3 * progress).mean()
    np.testing.assert_allclose(loss, (1 - progress) * hard + progress * soft, **TOLERANCE)


@pytest.mark.parametrize("cut", [0, 7])
def test_the_parts_of_all_transfer_objectives_add_up_to_the_loss_of_the_whole(data, cut):
    logits, labels, teachers = data
    config = DistillationConfig(logit_squared_error_weight=0.5, jensen_shannon_weight=2.0, decoupled_weight=0.25)
    whole = counts(labels)

    def loss(part):
        return distillation_loss(f32(logits[part]), tf.constant(labels[part]), f32(teachers[part]), config, whole)

    np.testing.assert_allclose(loss(slice(cut)) + loss(slice(cut, None)), loss(slice(None)), **TOLERANCE)
