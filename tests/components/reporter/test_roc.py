"""ROC curves, held against scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import auc, roc_auc_score, roc_curve

from limbeck.components.reporter.roc import POINTS, curve, roc, thin
from limbeck.components.reporter.scores import Scores, judgeable
from limbeck.report.findings import Roc
from tests.classes import classes
from tests.components.reporter.predictions import probabilities, table

Array = npt.NDArray[np.float64]


def judged(labels: object, logits: object) -> Scores:
    found = judgeable(table(labels, logits), "student", "test", classes(np.shape(logits)[1]))
    assert found is not None
    return found


def area(found: Roc) -> float:
    return float(auc(found.false_positive_rates, found.recalls))


# Few distinct values, so that many answers are equally probable.
@given(
    arrays.arrays(np.float64, st.integers(2, 80), elements=st.sampled_from(np.linspace(0, 1, 9).tolist())),
    st.data(),
)
def test_a_curve_is_scikit_learns(probability: Array, data: st.DataObject):
    positive = data.draw(arrays.arrays(np.bool_, len(probability)))
    positive[:2] = [True, False]
    wrong, right, thresholds = roc_curve(positive, probability, drop_intermediate=False)

    ours = curve(probability, positive)

    # We leave points out that lie on a straight piece, and no others.
    whole = dict(zip(thresholds[1:].tolist(), zip(wrong[1:], right[1:], strict=True), strict=True))
    assert [whole[one] for one in ours[0][1:].tolist()] == pytest.approx(
        list(zip(ours[1][1:].tolist(), ours[2][1:].tolist(), strict=True))
    )
    assert np.interp(right + wrong, ours[1] + ours[2], ours[2]) == pytest.approx(right)
    assert (ours[1][0], ours[2][0]) == (0, 0)
    assert probability.max() < ours[0][0] < np.inf


def test_with_two_classes_the_second_is_positive():
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 500)
    logits = np.stack([np.zeros(500), generator.normal(labels, 2.0)], axis=1).astype(np.float32)

    found = roc(judged(labels, logits))

    assert found is not None
    expected = roc_auc_score(labels, probabilities(logits)[:, 1])
    assert found.area == pytest.approx(expected, abs=1e-12)
    assert area(found) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("sharpness", [0.3, 3.0, 30.0])
def test_with_more_classes_it_is_the_micro_average(sharpness: float):
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 10, 3000)
    logits = (sharpness * (np.eye(10)[labels] + generator.normal(size=(3000, 10)))).astype(np.float32)

    found = roc(judged(labels, logits))

    assert found is not None
    expected = roc_auc_score(np.eye(10)[labels], probabilities(logits), average="micro")
    # Probabilities near 1 are equal or not by their rounding.
    assert found.area == pytest.approx(expected, abs=1e-5)
    assert area(found) == pytest.approx(expected, abs=1e-3)
    assert len(found.thresholds) == len(found.recalls) == len(found.false_positive_rates) <= POINTS
    assert np.isfinite(found.thresholds).all()
    assert list(found.thresholds) == sorted(found.thresholds, reverse=True)


def test_a_class_that_nobody_or_everybody_is_of_has_no_curve():
    logits = np.float32([[1, 0], [0, 1]])
    assert roc(judged([0, 0], logits)) is None
    assert roc(judged([1, 1], logits)) is None


def stairs(steps: int) -> tuple[Array, Array]:
    """Up, right, up, right: half of its corners are far above the line, half on it."""
    x, y = np.repeat(np.linspace(0, 1, steps + 1), 2)[:-1], np.repeat(np.linspace(0, 1, steps + 1), 2)[1:]
    return x, y


def arc(points: int) -> tuple[Array, Array]:
    angle = np.linspace(0, np.pi / 2, points)
    return 1 - np.cos(angle), np.sin(angle)


def uneven(points: int) -> tuple[Array, Array]:
    generator = np.random.default_rng(points)
    x, y = (np.sort(generator.pareto(0.3, points) % 1) for _ in range(2))
    return np.r_[0, x, 1], np.r_[0, y, 1]


@pytest.mark.parametrize("shape", [stairs, arc, uneven])
@pytest.mark.parametrize("size", [101, 201, 399, 4001, 100_000])
def test_a_thinned_curve_keeps_its_area(shape: Callable[[int], tuple[Array, Array]], size: int):
    x, y = shape(size)

    kept = thin(x, y, 200)

    assert len(kept) == min(len(x), 200)
    assert (kept[0], kept[-1]) == (0, len(x) - 1)
    assert (np.diff(kept) > 0).all()
    assert auc(x[kept], y[kept]) == pytest.approx(auc(x, y), abs=1e-3)


@given(arrays.arrays(np.int64, (st.integers(2, 300)), elements=st.integers(0, 30)), st.integers(5, 40), st.data())
def test_any_curve_keeps_its_area_as_well_as_so_few_points_can(steps: Array, points: int, data: st.DataObject):
    up = data.draw(arrays.arrays(np.int64, len(steps), elements=st.integers(0, 30)))
    x, y = (np.r_[0, np.cumsum(one)] / max(1, one.sum()) for one in (steps, up))

    kept = thin(x, y, points)

    # What points at equal distances would lose at worst is 1/2 divided by their number.
    assert abs(auc(x[kept], y[kept]) - auc(x, y)) <= 0.5 / points


def test_the_order_of_the_examples_does_not_matter():
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 3, 400)
    logits = generator.normal(size=(400, 3)).round(1).astype(np.float32)
    order = generator.permutation(400)

    assert roc(judged(labels, logits), 50) == roc(judged(labels[order], logits[order]), 50)
