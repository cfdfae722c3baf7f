"""Probabilities -> logits, compared with NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError
from limbeck.objectives.objective import Objective
from limbeck.objectives.registry import objective_of
from limbeck.saved_teacher import SavedTeacher
from limbeck.task import Label
from limbeck.trainer.distillation.inversion import LEAST, LEAST_COMPLEMENT, as_logits, doubt, seem_probabilities
from tests.classes import classes
from tests.limbeck.objectives.test_toy import TASK as TOY

YES_OR_NO = objective_of(Label("y", objective="binary"))
SEVERAL = objective_of(Label("y", objective="multi_label", columns=("a", "b", "c")))
LOGITS, PROBABILITIES = SavedTeacher("logits"), SavedTeacher("probabilities")


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    return np.exp(scaled) / np.exp(scaled).sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_soft_targets_of_inverted_probabilities_are_those_of_the_logits(temperature: float):
    logits = np.random.default_rng(0).normal(0, 6, (500, 7)).astype(np.float32)

    found = as_logits(softmax(logits).astype(np.float32), PROBABILITIES, classes(7)).numpy()

    np.testing.assert_allclose(softmax(found, temperature), softmax(logits, temperature), rtol=0, atol=2e-6)


def test_probabilities_of_classes_become_their_logarithms():
    given = np.array([[0.2, 0.3, 0.5], [1e-30, 0.5, 0.5], [0.0, 0.0, 1.0]], np.float32)

    found = as_logits(given, PROBABILITIES, classes(3)).numpy()

    np.testing.assert_allclose(found, np.log(np.maximum(given.astype(np.float64), LEAST)), rtol=1e-6)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_the_probability_of_the_second_of_two_classes_becomes_two_logits(shape: tuple[int, ...]):
    given = np.array([0.25, 0.9, 1e-20, 0.0, 1.0], np.float32)

    found = as_logits(given.reshape(shape), PROBABILITIES, classes(2)).numpy()

    exact = given.astype(np.float64)
    expected = np.stack([np.maximum(1 - exact, LEAST_COMPLEMENT), np.maximum(exact, LEAST)], axis=1)
    np.testing.assert_allclose(found, np.log(expected), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("logit", "off"), [(-14, 1e-5), (-2, 1e-5), (2, 1e-5), (10, 1e-3), (14, 0.05)])
def test_a_logit_comes_back_as_exactly_as_the_documentation_says(logit: float, off: float):
    near = np.linspace(logit - 0.2, logit, 1001).astype(np.float32)

    found = as_logits(sigmoid(near), PROBABILITIES, classes(2)).numpy()

    lost = abs(found[:, 1] - found[:, 0] - near).max()
    assert lost < off
    # The statement is no more careful than it must be.
    assert lost > off / 50 or off == 1e-5


def test_logits_above_the_limit_cannot_be_told_apart():
    found = as_logits(sigmoid(np.array([17.5, 20, 90], np.float32)), PROBABILITIES, classes(2)).numpy()

    np.testing.assert_allclose(found[:, 1] - found[:, 0], 24 * np.log(2), rtol=1e-6)


def test_a_stated_epsilon_holds_for_both_sides():
    teacher = SavedTeacher("probabilities", epsilon=0.01)

    found = as_logits(np.array([0.0, 0.5, 1.0], np.float32), teacher, classes(2)).numpy()

    np.testing.assert_allclose(found, np.log([[1, 0.01], [0.5, 0.5], [0.01, 1]]), rtol=1e-6)


def test_logits_stay_what_they_are():
    given = np.random.default_rng(0).normal(0, 6, (20, 3)).astype(np.float32)

    np.testing.assert_array_equal(as_logits(given, LOGITS, classes(3)), given)
    np.testing.assert_array_equal(as_logits(given[:, :1], LOGITS, classes(2)), given[:, :1] * [[0, 1]])
    np.testing.assert_array_equal(as_logits(given[:, :1], LOGITS, TOY.objective), given[:, :1])


@pytest.mark.parametrize("objective", [YES_OR_NO, SEVERAL], ids=["binary", "multi_label"])
def test_each_probability_of_a_yes_becomes_one_logit(objective: Objective):
    logits = np.random.default_rng(0).normal(0, 4, (50, objective.outputs)).astype(np.float32)

    np.testing.assert_allclose(as_logits(sigmoid(logits), PROBABILITIES, objective), logits, rtol=0, atol=1e-2)
    np.testing.assert_array_equal(as_logits(logits, LOGITS, objective), logits)


def test_no_and_yes_become_the_one_logit_of_yes():
    logits = np.random.default_rng(0).normal(0, 4, (50, 2)).astype(np.float32)
    difference = logits[:, 1:] - logits[:, :1]

    found = as_logits(softmax(logits).astype(np.float32), PROBABILITIES, YES_OR_NO)

    np.testing.assert_allclose(found, difference, rtol=0, atol=1e-5)
    np.testing.assert_allclose(as_logits(logits, LOGITS, YES_OR_NO), difference, rtol=1e-6)


def test_an_objective_without_probabilities_takes_none():
    given = np.ones([3, 1], np.float32)

    with pytest.raises(ConfigError, match="which no probabilities stand for: say answers='logits'"):
        as_logits(given, PROBABILITIES, TOY.objective)
    np.testing.assert_array_equal(as_logits(given[:, 0], LOGITS, TOY.objective), given)


@pytest.mark.parametrize(
    ("shape", "count", "said"),
    [
        ([None, 4], 3, r"'outputs' is \[batch, 4\], but the label needs logits \[batch, 3\]"),
        ([None, 1], 3, r"'outputs' is \[batch, 1\], but"),
        ([None, 2, 3], 3, r"'outputs' is \[batch, 2, 3\], but"),
        ([None, 1, 1], 2, r"'outputs' is \[batch, 1, 1\], but"),
    ],
)
def test_outputs_of_another_shape_are_refused(shape: list[int | None], count: int, said: str):
    @tf.function(input_signature=[tf.TensorSpec(shape)])
    def inverted(answers: tf.Tensor) -> tf.Tensor:
        return as_logits(answers, PROBABILITIES, classes(count))

    with pytest.raises(ConfigError, match=said):
        inverted.get_concrete_function()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([[-0.1, 1.1]], "reach from -0.1 to 1.1"),
        ([[0.5, 0.5], [0.9, 0.9]], "sum to 1.8"),
        ([[np.nan, 0.5]], "not finite"),
        ([[0.25, 0.75]], None),
        ([[0.25], [1.0]], None),
    ],
)
def test_answers_that_are_no_probabilities_are_doubted(answers: list[list[float]], said: str | None):
    found = doubt(np.array(answers, np.float32), PROBABILITIES, classes(2))

    assert (found is None) if said is None else said in str(found)


def test_logits_that_look_like_probabilities_are_noticed():
    given = np.random.default_rng(0).normal(0, 6, (20, 3)).astype(np.float32)

    assert seem_probabilities(softmax(given), classes(3))
    assert seem_probabilities(sigmoid(given[:, :1]), classes(2))
    assert seem_probabilities(sigmoid(given), SEVERAL)
    assert not seem_probabilities(given, classes(3))
    assert not seem_probabilities(sigmoid(given), classes(3))
    # A price may lie between 0 and 1.
    assert not seem_probabilities(sigmoid(given[:, :1]), TOY.objective)
    assert doubt(given, LOGITS, classes(3)) is None
