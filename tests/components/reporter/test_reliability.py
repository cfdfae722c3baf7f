"""Calibration, held against a reference that goes through the examples one by one."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from limbeck.components.reporter.reliability import BINS, reliability
from limbeck.components.reporter.scores import judgeable
from limbeck.report.findings import ReliabilityBin
from tests.classes import classes
from tests.components.reporter.predictions import probabilities, table


@given(st.data())
def test_bins_and_error_are_those_of_a_count_by_hand(data: st.DataObject):
    labels = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=60))
    logits = data.draw(arrays.arrays(np.float32, (len(labels), 4), elements=st.floats(-20, 20, width=32)))
    found = judgeable(table(labels, logits), "student", "test", classes(4))
    assert found is not None

    made = reliability(found)

    inside: dict[int, list[tuple[float, bool]]] = {}
    for label, row, raw in zip(labels, probabilities(logits), logits, strict=True):
        inside.setdefault(math.ceil(round(row.max() * 10, 9)), []).append(
            (row.max(), int(np.argmax(raw)) == label)
        )
    assert [one.examples for one in made.bins] == [len(inside[number]) for number in sorted(inside)]
    error = 0.0
    for one, number in zip(made.bins, sorted(inside), strict=True):
        confidences, right = zip(*inside[number], strict=True)
        assert (one.low, one.high) == pytest.approx(((number - 1) / 10, number / 10))
        assert one.confidence == pytest.approx(np.mean(confidences))
        assert one.accuracy == pytest.approx(np.mean(right))
        error += len(right) / len(labels) * abs(np.mean(right) - np.mean(confidences))
    assert made.expected_calibration_error == pytest.approx(error)


def test_a_known_case():
    # Confidences 0.75 (right), 0.75 (wrong) and 0.95 (right).
    logits = np.log([[0.75, 0.25], [0.25, 0.75], [0.05, 0.95]])
    found = judgeable(table([0, 0, 1], logits), "student", "test", classes(2))
    assert found is not None

    made = reliability(found)

    first, second = map(dataclasses.astuple, made.bins)
    assert first == pytest.approx((0.7, 0.8, 2, 0.75, 0.5))
    assert second == pytest.approx((0.9, 1.0, 1, 0.95, 1.0))
    assert made.expected_calibration_error == pytest.approx((2 * 0.25 + 0.05) / 3)


def test_certainty_belongs_to_the_last_bin():
    found = judgeable(table([0, 1], [[900, -900], [900, -900]]), "student", "test", classes(2))
    assert found is not None

    assert reliability(found).bins == (ReliabilityBin(0.9, 1.0, 2, 1.0, 0.5),)
    assert reliability(found).expected_calibration_error == 0.5
    assert BINS == 10
