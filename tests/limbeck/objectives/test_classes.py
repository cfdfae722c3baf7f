"""Both halves of the objective of classes say the same; `tests/trainer/distillation` holds its losses against NumPy."""

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from limbeck.objectives.classes import UNKNOWN_CLASS
from limbeck.objectives.objective import Objective
from tests.classes import classes

COUNT, CLASSES, MEMBERS = 200, 5, 3
OBJECTIVE = classes(CLASSES)


@pytest.fixture(scope="module")
def outputs() -> npt.NDArray[np.float32]:
    return (3 * np.random.default_rng(0).standard_normal([COUNT, CLASSES])).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> npt.NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, CLASSES, COUNT)


def test_scores_and_losses_are_the_same_in_both_halves(
    outputs: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
):
    exact = outputs.astype(np.float64)

    scores, losses = OBJECTIVE.scores(exact, labels), OBJECTIVE.losses(exact, labels)

    assert (scores.dtype, losses.dtype) == (np.float64, np.float64)
    assert set(scores) == {0.0, 1.0}
    np.testing.assert_array_equal(tf.cast(OBJECTIVE.score(outputs, labels), tf.float64), scores)
    np.testing.assert_allclose(OBJECTIVE.hard_loss(outputs, labels), losses, rtol=1e-5, atol=1e-6)


def test_an_unlabelled_example_has_neither_score_nor_loss(outputs: npt.NDArray[np.float32]):
    unlabelled = np.full(COUNT, OBJECTIVE.unlabelled)

    assert not np.any(OBJECTIVE.score(outputs, unlabelled))
    assert not np.any(OBJECTIVE.hard_loss(outputs, unlabelled))


def test_the_ensemble_is_the_same_in_both_halves():
    members = (3 * np.random.default_rng(2).standard_normal([COUNT, MEMBERS, CLASSES])).astype(np.float32)

    by_numpy = np.stack([OBJECTIVE.ensemble(one) for one in members])

    answers = OBJECTIVE.answers(tf.constant(members))
    np.testing.assert_allclose(answers["logits"], by_numpy, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(answers["class"], by_numpy.argmax(axis=1))
    np.testing.assert_array_equal(OBJECTIVE.pseudo_labels(members), by_numpy.argmax(axis=1))


def test_a_single_member_is_served_as_it_is(outputs: npt.NDArray[np.float32]):
    answers = OBJECTIVE.answers(tf.constant(outputs[:, np.newaxis]))

    np.testing.assert_array_equal(answers["logits"], outputs)
    np.testing.assert_array_equal(OBJECTIVE.ensemble(outputs[:1]), outputs[0])


@pytest.mark.parametrize("kind", ["integer", "text"])
def test_the_texts_of_classes_are_served_where_the_label_is_a_text(kind: str):
    answers = classes(2, kind).answers(tf.zeros([3, 1, 2]))

    assert ("all_classes" in answers) is (kind == "text")
    if kind == "text":
        assert answers["all_classes"].numpy().tolist() == [[b"0", b"1"]] * 3


def test_tensors_and_arrays_are_told_apart_from_unlabelled_ones_alike():
    given = np.array([0, -1, UNKNOWN_CLASS, 4])

    np.testing.assert_array_equal(OBJECTIVE.labelled(given), [True, False, True, True])
    np.testing.assert_array_equal(OBJECTIVE.labelled(tf.constant(given)), [True, False, True, True])
    in_graph = tf.function(OBJECTIVE.labelled)
    np.testing.assert_array_equal(in_graph(tf.constant(given)), [True, False, True, True])
    np.testing.assert_array_equal(OBJECTIVE.undeclared(given), [False, False, True, False])


def test_every_abstract_part_is_there():
    assert not OBJECTIVE.__abstractmethods__
    declared = {
        "kinds", "label_dtype", "unlabelled", "measure", "loss_key", "tfma", "findings", "wording", "activation",
    }  # fmt: skip
    assert declared == set(Objective.__annotations__) - {"label"}
    assert all(hasattr(OBJECTIVE, name) for name in declared)
    assert OBJECTIVE.label_spec() == tf.io.FixedLenFeature([], tf.int64)
    assert OBJECTIVE.output_words == "logits [batch, 5]"
