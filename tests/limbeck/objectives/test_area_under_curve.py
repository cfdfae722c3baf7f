"""The area under the ROC curve against scikit-learn's, and its influence against what leaving an example out does."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import roc_auc_score

from limbeck.objectives.area_under_curve import AreaUnderCurve

AREA = AreaUnderCurve()
Array = npt.NDArray[np.float64]
# Few distinct scores, so that there are ties.
SCORES = arrays.arrays(np.float64, st.integers(2, 30), elements=st.sampled_from([-2.0, -0.5, 0.0, 1.5, 3.0]))


@given(SCORES, st.data())
def test_the_area_is_scikit_learns_also_where_examples_count_several_times(scores: Array, data: st.DataObject):
    size = len(scores)
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)))
    counts = np.array(data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size)), np.float64)
    repeated = np.repeat(np.arange(size), counts.astype(int))
    outputs = scores[:, np.newaxis]

    for found, chosen in (
        (AREA.value(outputs, labels), np.arange(size)),
        (AREA.counted(outputs, labels)(counts[np.newaxis])[0], repeated),
    ):
        if len(set(labels[chosen])) == 2:
            assert found == pytest.approx(roc_auc_score(labels[chosen], scores[chosen]), abs=1e-12)
        else:
            assert np.isnan(found)


def test_draws_are_independent_of_each_other():
    generator = np.random.default_rng(0)
    outputs, labels = generator.normal(size=[50, 1]), generator.integers(0, 2, 50)
    counts = generator.multinomial(50, np.full(50, 0.02), size=7).astype(np.float64)
    area = AREA.counted(outputs, labels)

    np.testing.assert_array_equal(area(counts), np.concatenate([area(one[np.newaxis]) for one in counts]))


@pytest.mark.parametrize("examples", [60, 400])
def test_the_influence_is_the_derivative_by_the_weight_of_an_example(examples: int):
    generator = np.random.default_rng(examples)
    labels = (generator.random(examples) < 0.3).astype(int)
    outputs = (generator.normal(size=[examples, 1]) + labels[:, np.newaxis]).round(1)
    area, times = AREA.counted(outputs, labels), 10_000
    # Counts are whole numbers: all examples many times, and each in turn once more.
    heavier = times * np.ones([examples, examples]) + np.eye(examples)

    influence = AREA.influence(outputs, labels)

    derivative = (area(heavier) - AREA.value(outputs, labels)) * times * examples
    np.testing.assert_allclose(influence, derivative, rtol=1e-3, atol=1e-3)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def test_without_examples_of_both_labels_there_is_no_area():
    outputs = np.arange(3.0)[:, np.newaxis]

    for labels in (np.zeros(3, int), np.ones(3, int)):
        assert np.isnan(AREA.value(outputs, labels))
        assert not AREA.influence(outputs, labels).any()
    assert AREA.scores(outputs, np.array([0, 1, 1])) is None
