"""The objective of a number: both halves against each other, and R² against scikit-learn's."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from limbeck.errors import TaskError
from limbeck.objectives.r_squared import RSquared
from limbeck.objectives.registry import objective_of
from limbeck.task import Label

COUNT, MEMBERS = 200, 3
OBJECTIVE = objective_of(Label("y", kind="number", objective="regression"))
R_SQUARED = RSquared()
Array = npt.NDArray[np.float64]
NUMBERS = st.floats(-1000, 1000, width=32)


@pytest.fixture(scope="module")
def members() -> npt.NDArray[np.float32]:
    return (20 * np.random.default_rng(0).standard_normal([COUNT, MEMBERS, 1])).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> npt.NDArray[np.float32]:
    return (50 + 20 * np.random.default_rng(1).standard_normal(COUNT)).astype(np.float32)


def test_scores_losses_and_figures_are_the_same_in_both_halves_and_as_scikit_learn_says(
    members: npt.NDArray[np.float32], labels: npt.NDArray[np.float32]
):
    outputs = members[:, 0].astype(np.float64)

    scores, losses = OBJECTIVE.scores(outputs, labels), OBJECTIVE.losses(outputs, labels)

    assert (scores.dtype, losses.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(OBJECTIVE.score(members[:, 0], labels), scores, rtol=1e-5)
    np.testing.assert_allclose(OBJECTIVE.hard_loss(members[:, 0], labels), losses, rtol=1e-5)
    assert losses.mean() == pytest.approx(mean_squared_error(labels, outputs[:, 0]))
    assert OBJECTIVE.further_metrics(outputs, labels) == {
        "mean_absolute_error": pytest.approx(mean_absolute_error(labels, outputs[:, 0]))
    }
    assert OBJECTIVE.statistic.value(outputs, labels) == pytest.approx(r2_score(labels, outputs[:, 0]))


def test_the_ensemble_the_soft_target_and_the_pseudo_label_are_the_mean(members: npt.NDArray[np.float32]):
    mean = members.astype(np.float64).mean(axis=1)

    answers = OBJECTIVE.answers(tf.constant(members))

    np.testing.assert_allclose(answers["value"], mean[:, 0], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(answers["logits"].numpy()[:, 0], answers["value"])
    np.testing.assert_allclose(np.stack([OBJECTIVE.ensemble(one) for one in members]), mean, rtol=1e-6)
    np.testing.assert_array_equal(OBJECTIVE.ensemble(members[0, :1]), members[0, 0])
    pseudo = OBJECTIVE.pseudo_labels(members)
    np.testing.assert_allclose(pseudo, mean[:, 0], rtol=1e-5, atol=1e-5)
    student = members[:, 1]
    for temperature in (0.5, 1.0, 20.0):
        np.testing.assert_allclose(
            OBJECTIVE.soft_loss(student, members, temperature), OBJECTIVE.hard_loss(student, pseudo), rtol=1e-5
        )


@given(arrays.arrays(np.float32, (6, 1), elements=NUMBERS), st.lists(st.one_of(NUMBERS, st.just(math.nan)),
                                                                       min_size=6, max_size=6))  # fmt: skip
def test_an_unlabelled_example_has_neither_score_nor_loss_nor_gradient(
    outputs: npt.NDArray[np.float32], labels: list[float]
):
    known, student = ~np.isnan(labels), tf.constant(outputs)
    with tf.GradientTape() as tape:
        tape.watch(student)
        loss = OBJECTIVE.hard_loss(student, tf.constant(labels, tf.float32))

    expected = np.where(known, outputs[:, 0].astype(np.float64) - np.nan_to_num(labels), 0)
    np.testing.assert_allclose(loss, expected**2, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, student)[:, 0], 2 * expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        OBJECTIVE.score(student, np.float32(labels)), -np.abs(expected), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_array_equal(OBJECTIVE.labelled(np.array(labels)), known)
    np.testing.assert_array_equal(OBJECTIVE.labelled(tf.constant(labels)), known)


@pytest.mark.parametrize("kind", ["number", "integer"])
def test_any_finite_number_is_a_label(kind: str):
    objective = objective_of(Label("y", kind=kind, objective="regression"))
    raw = tf.constant([-1.0, 0.0, math.nan]) if kind == "number" else tf.constant([-1, 0, 7], tf.int64)

    found = objective.encode({"y": raw}).numpy()

    assert found.dtype == np.float32
    assert found[:2].tolist() == [-1.0, 0.0]
    assert objective.undeclared(found).tolist() == [False, False, kind == "number"]
    assert np.isnan(objective.unlabelled)


def test_a_number_has_no_classes():
    with pytest.raises(TaskError, match="label 'y' is a number, so it has no classes, received"):
        Label("y", ("low", "high"), kind="number", objective="regression")
    with pytest.raises(TaskError, match="received 'text'"):
        Label("y", kind="text", objective="regression")
    assert OBJECTIVE.label_values == ()


@given(
    arrays.arrays(np.float64, st.integers(1, 20), elements=st.sampled_from([1990.0, 1991.0, 2000.0])), st.data()
)
def test_r_squared_is_scikit_learns_also_where_examples_count_several_times(labels: Array, data: st.DataObject):
    size = len(labels)
    outputs = data.draw(arrays.arrays(np.float64, (size, 1), elements=st.floats(1980, 2010)))
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)), np.float64)
    repeated = np.repeat(np.arange(size), counts.astype(int))

    for found, chosen in (
        (R_SQUARED.value(outputs, labels), np.arange(size)),
        (R_SQUARED.counted(outputs, labels)(counts[np.newaxis])[0] if counts.sum() else math.nan, repeated),
    ):
        if len(set(labels[chosen])) > 1:
            assert found == pytest.approx(r2_score(labels[chosen], outputs[chosen, 0]), rel=1e-9, abs=1e-9)
        else:
            assert math.isnan(found)


def test_the_influence_is_the_derivative_by_the_weight_of_an_example():
    generator = np.random.default_rng(0)
    labels = generator.exponential(size=80)
    outputs = (labels + generator.normal(size=80))[:, np.newaxis]
    r_squared, step = R_SQUARED.counted(outputs, labels), 1e-6

    influence = R_SQUARED.influence(outputs, labels)

    derivative = (r_squared(np.ones([80, 80]) + step * np.eye(80)) - R_SQUARED.value(outputs, labels)) / step * 80
    np.testing.assert_allclose(influence, derivative, atol=1e-3)
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    assert not R_SQUARED.influence(outputs, np.ones(80)).any()
