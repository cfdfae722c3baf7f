"""R² from parts of the examples, against scikit-learn's of all of them."""

import functools
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import r2_score

from limbeck.components.evaluator.r_squared import Sums, merged, value

Array = npt.NDArray[np.float64]
# Large and close together, where a difference of sums of squares has no correct digit.
YEARS = st.sampled_from([1e8, 1e8 + 1, 1e8 + 3])


@given(arrays.arrays(np.float64, st.integers(1, 30), elements=YEARS), st.data())
def test_parts_are_merged_in_any_grouping(labels: Array, data: st.DataObject):
    size = len(labels)
    predictions = labels + data.draw(arrays.arrays(np.float64, size, elements=st.floats(-4, 4)))
    cut = data.draw(st.integers(0, size))
    seen = [Sums(1.0, label, 0.0, (one - label) ** 2) for label, one in zip(labels, predictions, strict=True)]

    found = value(merged(*(functools.reduce(merged, part, Sums()) for part in (seen[:cut], seen[cut:]))))

    if len(set(labels)) > 1:
        assert found == pytest.approx(r2_score(labels, predictions), rel=1e-6, abs=1e-6)
    else:
        assert math.isnan(found)


def test_of_nothing_there_is_no_figure():
    assert math.isnan(value(Sums()))
    assert merged(Sums(), Sums()) == Sums()
