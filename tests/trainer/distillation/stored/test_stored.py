"""Stored soft targets against float64 NumPy: what comes back, what a loss makes of it, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError
from limbeck.objectives.binary import Binary
from limbeck.objectives.regression import Regression
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.task import Label
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.distillation.losses import distillation_loss
from limbeck.trainer.distillation.stored.encoding import decode, encode
from limbeck.trainer.distillation.stored.form import StoredForm, form_of
from limbeck.trainer.distillation.stored.tensors import TopK, outcomes, restored, tempered_rest, unpacked
from tests.classes import classes

BATCH, TEACHERS, CLASSES, K = 19, 3, 11, 4
FORMS = [
    StoredForm(CLASSES, None, "float16", relative=True),
    StoredForm(CLASSES, K, "float32", relative=True),
    StoredForm(CLASSES, K, "float16", relative=True),
    StoredForm(CLASSES, 1, "float16", relative=True),
    StoredForm(CLASSES, CLASSES - 1, "float32", relative=True),
]
# A temperature of 1 is exact; the spacing of float16 near 16 is 1/64.
EXACT = {"float32": 2e-6, "float16": 2e-2}


def softmax(logits):
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def some_logits(seed=3, scale=3.0, size=CLASSES):
    drawn = scale * np.random.default_rng(seed).standard_normal([BATCH, TEACHERS, size])
    return drawn.astype(np.float32)


def read(logits, form):
    words = np.stack([encode(one, form) for one in logits])
    return unpacked(tf.constant(words), form)


def kept_of(logits, count):
    """The classes of the highest mean probability, written from the definition."""
    return np.argsort(-softmax(logits.astype(np.float64)).mean(1), axis=-1, kind="stable")[:, :count]


def merged(probabilities, kept):
    """Probabilities `[batch, ..., classes]` over the kept classes and the rest."""
    wide = kept if probabilities.ndim == 2 else np.repeat(kept[:, None], probabilities.shape[1], 1)
    of_kept = np.take_along_axis(probabilities, wide, -1)
    mask = np.ones_like(probabilities)
    np.put_along_axis(mask, wide, 0.0, -1)
    return np.concatenate([of_kept, (probabilities * mask).sum(-1, keepdims=True)], -1)


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_the_graph_and_numpy_read_the_same(form):
    logits = some_logits()
    words = np.stack([encode(one, form) for one in logits])
    assert words.dtype == np.int64
    assert words.shape[1] == form.class_words + TEACHERS * form.teacher_words
    assert form.teachers(words.shape[1]) == TEACHERS

    found = restored(unpacked(tf.constant(words), form))

    assert found.dtype == tf.float32
    decoded = np.stack([decode(one, form) for one in words])
    np.testing.assert_allclose(found, decoded, rtol=0, atol=1e-6)


def test_half_precision_keeps_probabilities():
    logits = some_logits(scale=5.0)
    found = restored(read(logits, FORMS[0]))
    np.testing.assert_allclose(softmax(found.numpy()), softmax(logits.astype(np.float64)), rtol=2e-2, atol=1e-6)


def test_the_largest_logit_is_stored_as_it_is_however_large():
    found = restored(read(some_logits() + 3000.0, FORMS[0]))
    assert (found.numpy().max(-1) == 0).all()
    np.testing.assert_allclose(softmax(found.numpy()), softmax(some_logits()), rtol=2e-2, atol=1e-6)


def test_a_logit_that_is_too_large_for_half_precision_does_not_become_infinite():
    form = StoredForm(1, None, "float16")
    assert decode(encode(np.array([[-1e6], [1e6]], np.float32), form), form).tolist() == [[-65504.0], [65504.0]]


@pytest.mark.parametrize("form", FORMS[1:], ids=repr)
def test_the_most_probable_classes_of_the_ensemble_are_kept(form):
    logits = some_logits()
    found = read(logits, form)
    assert isinstance(found, TopK)
    np.testing.assert_array_equal(found.classes, kept_of(logits, form.top_k))
    probabilities = softmax(logits.astype(np.float64)).mean(1)
    np.testing.assert_array_equal(tf.argmax(restored(found)[:, 0], -1).shape, [BATCH])
    np.testing.assert_array_equal(found.classes[:, 0], probabilities.argmax(-1))


@pytest.mark.parametrize("form", FORMS[1:], ids=repr)
def test_the_mass_of_the_rest_is_kept(form):
    logits = some_logits()
    found = softmax(restored(read(logits, form)).numpy().astype(np.float64))
    kept = kept_of(logits, form.top_k)
    expected = merged(softmax(logits.astype(np.float64)), kept)
    np.testing.assert_allclose(merged(found, kept), expected, rtol=2 * EXACT[form.dtype], atol=1e-6)


def test_many_classes_have_wider_ids():
    form = StoredForm(70_000, 2, "float16", relative=True)
    logits = np.zeros([1, 70_000], np.float32)
    logits[0, [69_999, 65_537]] = 9.0, 8.0
    found = read(logits[np.newaxis], form)
    assert found.classes.numpy().tolist() == [[69_999, 65_537]]


def divergence(logits, teachers, temperature, kept):
    """T^2 * KL over the kept classes and the rest, where the rest of the teachers is summed of all their logits."""
    target = merged(softmax(teachers.astype(np.float64) / temperature), kept).mean(1)
    own = merged(softmax(logits.astype(np.float64) / temperature), kept)
    return temperature**2 * (target * np.log(target / own)).sum(-1)


def loss_of(logits, found, temperature):
    config = DistillationConfig(alpha=1.0, temperature=temperature)
    counts = Denominators(tf.constant(1.0), tf.constant(0.0))
    return distillation_loss(logits, None, found, config, counts, objective=classes(CLASSES))


@pytest.mark.parametrize("form", FORMS[1:], ids=repr)
def test_at_temperature_one_the_loss_is_the_divergence_over_kept_classes_and_the_rest(form):
    teachers, logits = some_logits(), some_logits(8)[:, 0]
    expected = divergence(logits, teachers, 1.0, kept_of(teachers, form.top_k)).sum()
    found = float(loss_of(tf.constant(logits), read(teachers, form), 1.0))
    assert found == pytest.approx(expected, rel=5 * EXACT[form.dtype])


def test_one_class_that_is_left_out_loses_nothing_at_any_temperature():
    teachers, logits, form = some_logits(), some_logits(8)[:, 0], FORMS[-1]
    for temperature in (0.5, 1.0, 2.0, 20.0):
        whole = float(loss_of(tf.constant(logits), tf.constant(teachers), temperature))
        assert float(loss_of(tf.constant(logits), read(teachers, form), temperature)) == pytest.approx(
            whole, rel=1e-4
        )


@pytest.mark.parametrize("temperature", [1.0, 2.0, 8.0])
def test_the_loss_says_nothing_of_the_classes_within_the_rest(temperature):
    teachers, form = some_logits(), FORMS[1]
    logits, found = tf.constant(some_logits(8)[:, 0]), read(teachers, form)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = loss_of(logits, found, temperature)
    gradient = tape.gradient(loss, logits).numpy()
    own, kept = softmax(logits.numpy().astype(np.float64) / temperature), kept_of(teachers, K)
    _, taught = outcomes(logits, found, temperature)
    target = softmax(taught.numpy().astype(np.float64) / temperature).mean(1)
    # Of the logits z within the rest: T * q(z) * (1 - p(rest) / q(rest)), so their probabilities keep their ratios.
    expected = temperature * own * (1 - target[:, -1:] / merged(own, kept)[:, -1:])
    np.put_along_axis(expected, kept, temperature * (np.take_along_axis(own, kept, -1) - target[:, :K]), axis=-1)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.5, 4.0, 50.0])
def test_the_rest_is_estimated_well_and_within_its_bounds(temperature):
    many = some_logits(size=400)
    found = read(many, StoredForm(400, 10, "float32", relative=True))
    kept = kept_of(many, 10)
    shifted = many.astype(np.float64) - many.max(-1, keepdims=True)
    mask = np.zeros_like(shifted)
    np.put_along_axis(mask, np.repeat(kept[:, None], TEACHERS, 1), -np.inf, -1)
    exact = np.logaddexp.reduce((shifted + mask) / temperature, axis=-1)
    estimate = tempered_rest(found, 1 / temperature).numpy()
    even = np.log(390) + (found.rest.numpy() - np.log(390)) / temperature
    one = found.rest.numpy() / temperature
    assert (np.minimum(one, even) - 1e-3 <= exact).all()
    assert (exact <= np.maximum(one, even) + 1e-3).all()
    assert np.abs(estimate - exact).mean() < np.abs(even - exact).mean() / 3


def test_classes_that_a_teacher_rules_out_do_not_spoil_the_rest():
    logits = np.array([[[5.0, 0.0, -1000.0]]], np.float32)
    found = read(logits, StoredForm(3, 1, "float32", relative=True))
    # The parabola through what is known would be -130.
    assert float(tempered_rest(found, 0.5)[0, 0]) == pytest.approx(-2.5, abs=1e-3)


def test_the_loss_is_finite_for_sure_teachers_and_students_and_without_examples():
    teachers = np.zeros([1, 1, CLASSES], np.float32)
    teachers[0, 0, 0] = 1e4
    for form in FORMS:
        for logits in (1e4 * np.eye(CLASSES)[:1], -1e4 * np.eye(CLASSES)[:1]):
            given = tf.constant(logits, tf.float32)
            with tf.GradientTape() as tape:
                tape.watch(given)
                loss = loss_of(given, read(teachers, form), 0.5)
            assert np.isfinite(loss.numpy())
            assert np.isfinite(tape.gradient(loss, given).numpy()).all()
        none = unpacked(tf.zeros([0, form.class_words + form.teacher_words], tf.int64), form)
        assert float(loss_of(tf.zeros([0, CLASSES]), none, 2.0)) == 0


NUMBER = Regression(Label("y", kind="number", objective="regression"))
YES = Binary(Label("y", objective="binary"))


@pytest.mark.parametrize(
    ("settings", "objective", "message"),
    [
        ({"top_k": 2}, NUMBER, "keeps the most probable of several classes"),
        ({"top_k": 1}, YES, "keeps the most probable of several classes"),
        ({"dtype": "float16"}, NUMBER, "rounds logits, but label 'y'"),
        ({"top_k": 5}, classes(5), "must be below the 5 classes of label 'y', received 5"),
    ],
)
def test_forms_that_make_no_sense_are_refused(settings, objective, message):
    with pytest.raises(ConfigError, match=message):
        form_of(LabellingConfig(**settings), objective)


def test_the_form_of_each_kind():
    assert form_of(LabellingConfig(), NUMBER).plain
    assert form_of(LabellingConfig(dtype="float16"), YES) == StoredForm(1, None, "float16")
    assert form_of(LabellingConfig(top_k=2), classes(5)) == StoredForm(5, 2, "float32", relative=True)
