"""The objective of yes and no, against scikit-learn and the objective of two classes, of which it is a special case."""

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import log_loss, roc_auc_score

from limbeck.errors import TaskError
from limbeck.objectives.binary import UNKNOWN_VALUE, Binary
from limbeck.objectives.classes import Classes
from limbeck.objectives.registry import objective_of
from limbeck.task import Label
from tests.classes import classes

COUNT, MEMBERS = 200, 3
BINARY, TWO = Binary(Label("y", objective="binary")), classes(2)
LOGITS = st.floats(-60, 60, width=32)


def two(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The logits of two classes with the same probabilities."""
    return np.concatenate([np.zeros_like(logits), logits], axis=-1)


@pytest.fixture(scope="module")
def members() -> npt.NDArray[np.float32]:
    return (3 * np.random.default_rng(0).standard_normal([COUNT, MEMBERS, 1])).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> npt.NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, 2, COUNT)


@given(arrays.arrays(np.float32, (8, 1), elements=LOGITS), st.lists(st.integers(-1, 1), min_size=8, max_size=8))
def test_its_hard_loss_and_its_score_are_those_of_two_classes(logits: npt.NDArray[np.float32], labels: list[int]):
    given_labels = np.array(labels)

    np.testing.assert_allclose(
        BINARY.hard_loss(logits, given_labels), TWO.hard_loss(two(logits), given_labels), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(BINARY.score(logits, given_labels), TWO.score(two(logits), given_labels))


@given(
    arrays.arrays(np.float32, (4, 1), elements=LOGITS),
    arrays.arrays(np.float32, (4, MEMBERS, 1), elements=LOGITS),
    st.floats(0.25, 20),
)
def test_its_soft_loss_and_its_gradient_are_those_of_two_classes(
    logits: npt.NDArray[np.float32], teachers: npt.NDArray[np.float32], temperature: float
):
    student = tf.constant(logits)
    found = {}
    for objective, widen in ((BINARY, tf.identity), (TWO, lambda one: tf.concat([tf.zeros_like(one), one], -1))):
        with tf.GradientTape() as tape:
            tape.watch(student)
            loss = objective.soft_loss(widen(student), widen(tf.constant(teachers)), temperature)
        found[objective] = loss.numpy(), tape.gradient(loss, student).numpy()

    # Differences of logarithms that are far from 0 are rounded in float32.
    size = 1e-5 * temperature**2 * (1 + (np.abs(logits).max() + np.abs(teachers).max()) / temperature)
    for one, other in zip(found[BINARY], found[TWO], strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=size)


def test_the_soft_loss_is_0_exactly_where_the_student_is_its_teacher(members: npt.NDArray[np.float32]):
    alone = BINARY.soft_loss(members[:, 0], members[:, :1], temperature=3.0)
    other = BINARY.soft_loss(members[:, 1], members[:, :1], temperature=3.0)

    np.testing.assert_allclose(alone, 0, atol=1e-5)
    assert np.mean(other) > 0.1


def test_a_sure_teacher_and_a_sure_student_that_is_wrong_have_a_finite_loss():
    loss = BINARY.soft_loss(tf.constant([[-1000.0], [1000.0]]), tf.constant([[[1000.0]], [[-1000.0]]]), 1.0)

    np.testing.assert_allclose(loss, [1000.0, 1000.0])


def test_scores_and_losses_are_the_same_in_both_halves_and_as_scikit_learn_says(
    members: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
):
    outputs = members[:, 0].astype(np.float64)

    scores, losses = BINARY.scores(outputs, labels), BINARY.losses(outputs, labels)

    assert (scores.dtype, losses.dtype) == (np.float64, np.float64)
    np.testing.assert_array_equal(tf.cast(BINARY.score(members[:, 0], labels), tf.float64), scores)
    np.testing.assert_allclose(BINARY.hard_loss(members[:, 0], labels), losses, rtol=1e-5, atol=1e-6)
    probability = 1 / (1 + np.exp(-outputs[:, 0]))
    assert losses.mean() == pytest.approx(log_loss(labels, probability), rel=1e-9)
    assert BINARY.further_metrics(outputs, labels) == {"accuracy": np.mean((probability > 0.5) == labels)}
    assert BINARY.statistic.value(outputs, labels) == pytest.approx(roc_auc_score(labels, probability), rel=1e-12)


def test_the_ensemble_is_the_mean_probability_in_both_halves(members: npt.NDArray[np.float32]):
    answers = BINARY.answers(tf.constant(members))

    expected = (1 / (1 + np.exp(-members.astype(np.float64)))).mean(axis=1)[:, 0]
    np.testing.assert_allclose(answers["probability"], expected, rtol=1e-5)
    np.testing.assert_array_equal(answers["class"], expected > 0.5)
    np.testing.assert_array_equal(BINARY.pseudo_labels(members), expected > 0.5)
    by_numpy = np.stack([BINARY.ensemble(one) for one in members])
    assert (by_numpy.shape, by_numpy.dtype) == ((COUNT, 1), np.float32)
    np.testing.assert_allclose(answers["logits"], by_numpy, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        BINARY.class_logits(by_numpy), np.concatenate([np.zeros([COUNT, 1]), by_numpy], axis=1)
    )


def test_a_single_member_is_served_as_it_is(members: npt.NDArray[np.float32]):
    answers = BINARY.answers(tf.constant(members[:, :1]))

    np.testing.assert_array_equal(answers["logits"], members[:, 0])
    np.testing.assert_array_equal(BINARY.ensemble(members[0, :1]), members[0, 0])
    assert "label" not in answers


@pytest.mark.parametrize("kind", ["integer", "text"])
def test_the_second_class_is_the_positive_one_and_names_are_served(kind: str):
    objective = objective_of(Label("y", ("no", "yes"), kind, objective="binary"))
    raw = tf.constant(["yes", "no", "maybe", ""] if kind == "text" else [1, 0, 2, -1])

    assert objective.encode({"y": raw}).numpy().tolist() == [1, 0, UNKNOWN_VALUE, UNKNOWN_VALUE]
    answers = objective.answers(tf.constant([[[2.0]], [[-2.0]]]))
    assert answers["label"].numpy().tolist() == [b"yes", b"no"]


def test_tensors_and_arrays_are_told_apart_from_unlabelled_ones_alike():
    labels = np.array([0, -1, UNKNOWN_VALUE, 1])

    np.testing.assert_array_equal(BINARY.labelled(labels), [True, False, True, True])
    np.testing.assert_array_equal(tf.function(BINARY.labelled)(tf.constant(labels)), [True, False, True, True])
    np.testing.assert_array_equal(BINARY.undeclared(labels), [False, False, True, False])
    unlabelled = np.full(COUNT, BINARY.unlabelled)
    assert not np.any(BINARY.score(np.ones([COUNT, 1], np.float32), unlabelled))
    assert not np.any(BINARY.hard_loss(np.ones([COUNT, 1], np.float32), unlabelled))


@pytest.mark.parametrize(("names", "kind"), [(("a",), "integer"), (("a", "b", "c"), "integer"), ((), "text")])
def test_a_binary_label_has_two_classes_or_none(names: tuple[str, ...], kind: str):
    with pytest.raises(
        TaskError, match="label 'y' is binary, so it has the names of two classes, the second one pos"
    ):
        Label("y", names, kind, objective="binary")


def test_a_number_is_no_binary_label():
    with pytest.raises(TaskError, match=r"label 'y' is of one kind of \('integer', 'text'\), received 'number'"):
        Label("y", kind="number", objective="binary")


def test_it_names_what_it_is():
    assert (BINARY.class_names, BINARY.label_values, BINARY.outputs) == (("0", "1"), ("0", "1"), 1)
    assert isinstance(objective_of(Label("y", ("a", "b"))), Classes)
