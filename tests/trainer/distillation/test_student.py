"""A student with an eye on layers of its teacher: what it returns, what is trained, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import TaskError
from limbeck.trainer.distillation.student import Student, watching
from limbeck.trainer.distillation.transfer import hidden_cosine, hint
from limbeck.trainer.fitting import precision
from tests.trainer.distillation.watched import deep

layers = tf_keras.layers
X = {"x": tf.constant(np.random.default_rng(0).standard_normal([6, 4]) * [1, 1, 0, 0], tf.float32)}
HINTS = (("taught_3", "own_1"), ("mean", "mean"))


@pytest.fixture
def models():
    tf_keras.utils.set_random_seed(0)
    return deep("own", 4, 2), deep("taught", 7, 4)


def watched(models, hints=HINTS, wanted=("hint",)) -> Student:
    return Student(models[0], watching(*models, hints, wanted, "task 'deep'"))


def test_it_returns_logits_and_layers_of_both_models(models):
    student, teacher = models
    found = watched(models)(X, training=True)

    np.testing.assert_array_equal(found.logits, student(X, training=True))
    first, second = found.layers
    own = tf_keras.Model(student.input, student.get_layer("own_1").output)(X)
    taught = tf_keras.Model(teacher.input, teacher.get_layer("taught_3").output)(X)
    np.testing.assert_array_equal(first.student, own)
    np.testing.assert_array_equal(first.teacher, taught)
    assert (first.projected.shape, second.projected.shape) == ([6, 2, 7], [6, 7])
    # The second word is all zeros, which Masking takes for padding.
    np.testing.assert_array_equal(first.mask, [[True, False]] * 6)
    assert second.mask is None


def test_student_and_projections_are_trained_and_the_teacher_is_not(models):
    student, teacher = models
    learner = watched(models)
    names = [tuple(one.shape) for one in learner.trainable_variables]

    assert names == [*(tuple(one.shape) for one in student.trainable_variables), (4, 7), (4, 7)]
    assert len(learner.weights) == len(student.weights) + 2
    with tf.GradientTape() as tape:
        tape.watch(teacher.weights)
        pair = learner(X, training=True).layers[0]
        loss = tf.reduce_sum(pair.projected * pair.teacher)
    assert tape.gradient(loss, teacher.weights) == [None] * len(teacher.weights)


@pytest.mark.parametrize(
    ("hints", "wanted", "projected"),
    [
        ((("taught_1", "own_0"),), ("attention",), False),
        ((("taught_1", "own_0"),), ("relational_angle",), False),
        ((("logits", "logits"),), ("hint", "hidden_cosine"), False),
        ((("taught_1", "own_0"),), ("relational_angle", "hidden_cosine"), True),
    ],
)
def test_there_is_a_projection_only_if_one_is_needed(models, hints, wanted, projected):
    (only,) = watched(models, hints, wanted).watched.projections
    assert (only is not None) == projected


def test_what_training_changes_in_a_teacher_stays_as_it_is(models):
    x = tf_keras.Input([4], name="x")
    normal = layers.BatchNormalization(name="normal")
    noisy = layers.Dropout(0.5)(normal(x))
    teacher = tf_keras.Model({"x": x}, layers.Dense(3)(layers.Dense(4, name="wide")(noisy)))
    before = normal.get_weights()
    learner = watched((models[0], teacher), (("wide", "logits"),))

    one, other = (learner(X, training=True).layers[0].teacher for _ in range(2))

    np.testing.assert_array_equal(one, other)
    for values, wanted in zip(normal.get_weights(), before, strict=True):
        np.testing.assert_array_equal(values, wanted)


def subclass() -> tf_keras.Model:
    class Own(tf_keras.Model):
        def call(self, inputs):
            return inputs["x"]

    return Own()


def with_loss() -> tf_keras.Model:
    model = deep("own", 4, 2)
    model.add_loss(tf.reduce_sum(model.output))
    return model


def twice() -> tf_keras.Model:
    x = tf_keras.Input([4], name="x")
    shared = layers.Dense(4, name="shared")
    return tf_keras.Model({"x": x}, shared(shared(x)))


def of_words() -> tf_keras.Model:
    x = tf_keras.Input([4], name="x")
    return tf_keras.Model({"x": x}, layers.Dense(3)(layers.Lambda(lambda v: v > 0, name="signs")(x)))


REFUSED = [
    (None, ("taught_1", "own_7"), "hint", r"the student of task 'deep' has no layer 'own_7'\. .*own_1.* It has: l"),
    (None, ("tought_1", "own_1"), "hint", r"the teacher of task 'deep' has no layer 'tought_1'\. .*'taught_1'"),
    (None, ("mean", "own_1"), "hint", r"hint_weight .* \('mean', 'own_1'\) .* \[batch, 7\] and \[batch, 2, 4\]"),
    (None, ("mean", "mean"), "attention", r"attention_weight .*positions, \.\.\., channels\], but they are \[b"),
    (subclass, ("taught_1", "own_1"), "hint", r"the student of task 'deep' is a subclass of tf_keras\.Model"),
    (with_loss, ("taught_1", "own_1"), "hint", r"has a loss of its own by model\.add_loss\(\)"),
    (twice, ("taught_1", "shared"), "hint", r"must be called once, but .* calls 'shared' 2 times"),
    (of_words, ("taught_1", "signs"), "hint", r"numbers .*'signs' of .* returns \[batch, 4\] of bool"),
]  # fmt: skip


@pytest.mark.parametrize(("student", "hint", "wanted", "rule"), REFUSED)
def test_layers_that_cannot_be_compared_are_refused(models, student, hint, wanted, rule):
    given = models if student is None else (student(), models[1])
    with pytest.raises(TaskError, match=rule):
        watched(given, (hint,), (wanted,))


def test_a_layer_may_be_a_model_within_the_model(models):
    inner = tf_keras.Sequential([layers.Dense(5, input_shape=[4]), layers.Dense(6)], name="inner")
    x = tf_keras.Input([4], name="x")
    outer = tf_keras.Model({"x": x}, layers.Dense(3)(inner(x)))
    pair = watched((outer, models[1]), (("mean", "inner"),)).__call__(X).layers[0]
    np.testing.assert_array_equal(pair.student, inner(X["x"]))


def test_layers_of_half_precision_are_compared_and_teach_the_student():
    with precision.policy("mixed_float16"):
        learner = watched((deep("own", 4, 2), deep("taught", 7, 4)))
        with tf.GradientTape() as tape:
            (first, second) = learner(X, training=True).layers
            losses = hint.loss(first.projected, first.teacher, first.mask)
            losses += hidden_cosine.loss(second.projected, second.teacher, second.mask)
        gradients = tape.gradient(losses, learner.trainable_variables)
    assert (first.projected.dtype, losses.dtype) == (tf.float16, tf.float32)
    # The last layer, kernel and bias, comes after what is compared.
    assert [one is not None for one in gradients] == [True] * 4 + [False] * 2 + [True] * 2
    assert all(np.isfinite(one).all() and np.abs(one).max() > 0 for one in gradients if one is not None)


def test_teachers_answer_the_inputs_that_the_student_is_given(models):
    student, teacher = models
    other = deep("taught", 7, 4)
    learner = Student(student, None, (teacher, other))
    with tf.GradientTape() as tape:
        found = learner(X, training=True)
    answers = np.stack([teacher(X), other(X)], axis=1)
    np.testing.assert_array_equal(found.teacher_outputs, answers)
    np.testing.assert_array_equal(found.logits, student(X))
    assert found.layers == ()
    assert len(learner.weights) == len(student.weights) and not teacher.trainable_variables
    assert tape.gradient(found.teacher_outputs, student.weights) == [None] * len(student.weights)
