"""How values of a measure are written."""

import pytest

from limbeck.objectives.measure import Measure

ACCURACY = Measure("accuracy", "accuracy", "fraction")
ERROR = Measure("negative_squared_error", "negative squared error", "number")


@pytest.mark.parametrize(("measure", "written"), [
    (ACCURACY, ("12.50%", "12.50 points", "+12.50 points", "12.5 points")),
    (ERROR, ("0.125", "0.125", "+0.125", "0.125")),
])  # fmt: skip
def test_a_value_a_distance_a_difference_and_a_limit(measure: Measure, written: tuple[str, ...]):
    found = (measure.text(0.125), measure.distance(0.125), measure.signed(0.125), measure.limit(0.125))

    assert found == written


def test_a_heading_begins_with_a_capital():
    assert (ACCURACY.title, ERROR.title) == ("Accuracy", "Negative squared error")
