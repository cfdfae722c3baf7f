"""The objective of several questions: each against the binary objective, and all of them against scikit-learn."""

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import accuracy_score, hamming_loss, log_loss, roc_auc_score

from limbeck.errors import TaskError
from limbeck.objectives.binary import Binary
from limbeck.objectives.macro_area import MacroArea, areas
from limbeck.objectives.multi_label import UNKNOWN_VALUE
from limbeck.objectives.registry import objective_of
from limbeck.task import Label

COUNT, MEMBERS, COLUMNS = 200, 3, ("a", "b", "c", "d")
OBJECTIVE = objective_of(Label("y", objective="multi_label", columns=COLUMNS))
BINARY = Binary(Label("y", objective="binary"))
MACRO = MacroArea()
Array = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def members() -> npt.NDArray[np.float32]:
    return (3 * np.random.default_rng(0).standard_normal([COUNT, MEMBERS, 4])).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> npt.NDArray[np.int64]:
    return (np.random.default_rng(1).random([COUNT, 4]) < [0.1, 0.3, 0.5, 0.9]).astype(np.int64)


def test_losses_and_scores_are_means_of_those_of_the_binary_objective(
    members: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
):
    student = members[:, 1]
    for temperature in (1.0, 4.0):
        soft = [BINARY.soft_loss(student[:, [one]], members[:, :, [one]], temperature) for one in range(4)]
        np.testing.assert_allclose(
            OBJECTIVE.soft_loss(student, members, temperature), np.mean(soft, axis=0), rtol=1e-4, atol=1e-6
        )
    for of in ("hard_loss", "score"):
        alone = [getattr(BINARY, of)(student[:, [one]], labels[:, one]) for one in range(4)]
        found = getattr(OBJECTIVE, of)(student, labels)
        np.testing.assert_allclose(found, np.mean(alone, axis=0, dtype=np.float64), rtol=1e-5)
    pseudo = np.stack([BINARY.pseudo_labels(members[:, :, [one]]) for one in range(4)], axis=1)
    np.testing.assert_array_equal(OBJECTIVE.pseudo_labels(members), pseudo)


def test_scores_losses_and_figures_are_the_same_in_both_halves_and_as_scikit_learn_says(
    members: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
):
    outputs = members[:, 0].astype(np.float64)

    scores, losses = OBJECTIVE.scores(outputs, labels), OBJECTIVE.losses(outputs, labels)

    assert (scores.dtype, losses.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(OBJECTIVE.score(members[:, 0], labels), scores, rtol=1e-6)
    np.testing.assert_allclose(OBJECTIVE.hard_loss(members[:, 0], labels), losses, rtol=1e-5)
    probability = 1 / (1 + np.exp(-outputs))
    assert losses.mean() == pytest.approx(log_loss(labels.ravel(), probability.ravel()))
    assert OBJECTIVE.further_metrics(outputs, labels) == {
        "accuracy": pytest.approx(1 - hamming_loss(labels, outputs > 0)),
        "all_labels_right": accuracy_score(labels, outputs > 0),
    }
    assert OBJECTIVE.statistic.value(outputs, labels) == pytest.approx(roc_auc_score(labels, outputs), rel=1e-12)
    np.testing.assert_allclose(areas(outputs, labels), roc_auc_score(labels, outputs, average=None), rtol=1e-12)


def test_the_ensemble_is_the_mean_probability_in_both_halves(members: npt.NDArray[np.float32]):
    answers = OBJECTIVE.answers(tf.constant(members))

    expected = (1 / (1 + np.exp(-members.astype(np.float64)))).mean(axis=1)
    np.testing.assert_allclose(answers["probabilities"], expected, rtol=1e-5)
    np.testing.assert_array_equal(answers["labels"], expected > 0.5)
    by_numpy = np.stack([OBJECTIVE.ensemble(one) for one in members])
    assert (by_numpy.shape, by_numpy.dtype) == ((COUNT, 4), np.float32)
    np.testing.assert_allclose(answers["logits"], by_numpy, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(OBJECTIVE.ensemble(members[0, :1]), members[0, 0])
    both = np.exp(OBJECTIVE.class_logits(by_numpy))
    np.testing.assert_allclose(both[..., 1] / both.sum(axis=-1), expected, rtol=1e-5)


def test_columns_are_encoded_in_their_order_and_other_values_are_undeclared():
    raw = {name: tf.constant(values, tf.int64) for name, values in
           {"d": [0, 0, 1], "b": [1, 1, -1], "a": [0, 1, 1], "c": [1, 0, 2]}.items()}  # fmt: skip

    found = OBJECTIVE.encode(raw).numpy()

    assert found.tolist() == [[0, 1, 1, 0], [1, 1, 0, 0], [1, UNKNOWN_VALUE, UNKNOWN_VALUE, 1]]
    assert OBJECTIVE.undeclared(found).tolist() == [False, False, True]
    assert OBJECTIVE.raw_features == COLUMNS


def test_an_unlabelled_example_has_neither_score_nor_loss(members: npt.NDArray[np.float32]):
    labels = np.full([COUNT, 4], OBJECTIVE.unlabelled)
    labels[3] = 1

    assert np.flatnonzero(OBJECTIVE.hard_loss(members[:, 0], labels)).tolist() == [3]
    assert set(np.flatnonzero(OBJECTIVE.score(np.ones([COUNT, 4], np.float32), labels))) == {3}
    np.testing.assert_array_equal(np.flatnonzero(OBJECTIVE.labelled(labels)), [3])
    np.testing.assert_array_equal(np.flatnonzero(OBJECTIVE.labelled(tf.constant(labels))), [3])
    assert OBJECTIVE.label_spec() == tf.io.FixedLenFeature([4], tf.int64)


def test_each_example_counts_with_the_columns_that_it_has(
    members: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
):
    outputs = members[:, 0]
    labels = np.where(np.random.default_rng(2).random([COUNT, 4]) < 0.4, -1, labels)
    labels[:5] = -1
    scores, losses, right, answers = [], [], 0, 0
    for row, own in zip(labels, outputs.astype(np.float64), strict=True):
        known = np.flatnonzero(row != -1)
        probability = 1 / (1 + np.exp(-own[known]))
        hits = (own[known] > 0) == (row[known] == 1)
        right, answers = right + hits.sum(), answers + len(known)
        scores.append(hits.mean() if len(known) else 0.0)
        likelihood = np.where(row[known] == 1, probability, 1 - probability)
        losses.append(-np.log(likelihood).mean() if len(known) else 0.0)
    some = (labels != -1).any(axis=1)

    np.testing.assert_allclose(OBJECTIVE.score(outputs, labels), scores, rtol=1e-6)
    np.testing.assert_allclose(OBJECTIVE.hard_loss(outputs, labels), losses, rtol=1e-4)
    np.testing.assert_array_equal(OBJECTIVE.labelled(labels), some)
    np.testing.assert_array_equal(OBJECTIVE.labelled(tf.constant(labels)), some)
    np.testing.assert_array_equal(OBJECTIVE.complete(tf.constant(labels)), (labels != -1).all(axis=1))
    judged, some_known = outputs[some].astype(np.float64), labels[some]
    np.testing.assert_allclose(OBJECTIVE.scores(judged, some_known), np.array(scores)[some], rtol=1e-12)
    np.testing.assert_allclose(OBJECTIVE.losses(judged, some_known), np.array(losses)[some], rtol=1e-6)
    assert OBJECTIVE.further_metrics(judged, some_known) == {
        "accuracy": pytest.approx(right / answers),
        "all_labels_right": pytest.approx(np.mean(np.array(scores)[some] == 1)),
    }


def test_no_gradient_flows_from_a_column_that_is_missing(members: npt.NDArray[np.float32]):
    labels = np.array([[1, -1, 0, -1]] * COUNT)
    outputs = tf.Variable(members[:, 0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(OBJECTIVE.hard_loss(outputs, labels))
    gradient = tape.gradient(loss, outputs).numpy()
    expected = (1 / (1 + np.exp(-members[:, 0].astype(np.float64))) - labels) / 2
    np.testing.assert_allclose(gradient, np.where(labels == -1, 0, expected), rtol=1e-4, atol=1e-6)


SIZE = 12


@given(
    arrays.arrays(np.float64, (SIZE, 3), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])),
    arrays.arrays(np.int64, (SIZE, 3), elements=st.sampled_from([-1, 0, 0, 1, 1])),
    st.lists(st.integers(0, 3), min_size=SIZE, max_size=SIZE),
)
def test_the_measure_is_the_mean_over_the_columns_that_have_an_area(
    outputs: Array, labels: npt.NDArray[np.int64], counts: list[int]
):
    for found, chosen in (
        (MACRO.value(outputs, labels), np.arange(SIZE)),
        (MACRO.counted(outputs, labels)(np.array([counts], np.float64))[0], np.repeat(np.arange(SIZE), counts)),
    ):
        known = [chosen[labels[chosen, one] != -1] for one in range(3)]
        expected = [
            roc_auc_score(labels[rows, one], outputs[rows, one])
            for one, rows in enumerate(known)
            if len(set(labels[rows, one])) == 2
        ]
        if expected:
            assert found == pytest.approx(np.mean(expected), abs=1e-12)
        else:
            assert np.isnan(found)


def test_the_influence_is_the_derivative_by_the_weight_of_an_example():
    generator = np.random.default_rng(0)
    labels = (generator.random([90, 3]) < [0.2, 0.5, 0.0]).astype(int)
    outputs = (generator.normal(size=[90, 3]) + labels).round(1)
    labels[generator.random([90, 3]) < 0.2] = -1
    macro, times = MACRO.counted(outputs, labels), 10_000

    influence = MACRO.influence(outputs, labels)

    heavier = times * np.ones([90, 90]) + np.eye(90)
    derivative = (macro(heavier) - MACRO.value(outputs, labels)) * times * 90
    np.testing.assert_allclose(influence, derivative, rtol=1e-3, atol=1e-3)
    assert not MACRO.influence(outputs, np.zeros([90, 3])).any()


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ({"columns": ("a",)}, "needs at least two columns, received"),
        ({"classes": ("no", "yes"), "columns": ("a", "b")}, "has no classes, received"),
        ({"kind": "text", "columns": ("a", "b")}, "received 'text'"),
        ({"objective": "binary", "columns": ("a", "b")}, "is one value, so it has no columns"),
        ({"objective": "classes", "classes": ("n", "y"), "columns": ("a",)}, "is one value, so it has no columns"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(label: dict[str, object], why: str):
    with pytest.raises(TaskError, match=f"label 'y' .*{why}"):
        Label("y", **{"objective": "multi_label", **label})
