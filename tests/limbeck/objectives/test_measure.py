"""How values of a measure are written."""

import pytest

from limbeck.errors import ConfigError
from limbeck.objectives.measure import Measure

ACCURACY = Measure("accuracy", "accuracy", "fraction")
AUC = Measure("auc", "AUC", "number", most=1.0)
ERROR = Measure("negative_squared_error", "negative squared error", "number")


@pytest.mark.parametrize(("measure", "written"), [
    (ACCURACY, ("12.50%", "12.50 points", "+12.50 points", "12.5 points")),
    (ERROR, ("0.125", "0.125", "+0.125", "0.125 in negative squared error")),
])  # fmt: skip
def test_a_value_a_distance_a_difference_and_a_limit(measure: Measure, written: tuple[str, ...]):
    found = (measure.text(0.125), measure.distance(0.125), measure.signed(0.125), measure.limit(0.125))

    assert found == written


def test_a_heading_begins_with_a_capital():
    assert (ACCURACY.title, ERROR.title) == ("Accuracy", "Negative squared error")


@pytest.mark.parametrize("tolerance", [0.0, 0.05, 1.0])
def test_a_tolerance_of_a_fraction_is_a_fraction(tolerance: float):
    ACCURACY.assert_tolerance(tolerance)


def test_points_for_a_fraction_are_refused_with_the_fraction_that_was_meant():
    with pytest.raises(
        ConfigError, match=r"difference of accuracy, a fraction, .* received 5: 5 points are 0\.05"
    ):
        ACCURACY.assert_tolerance(5.0)


def test_a_tolerance_beyond_the_largest_difference_is_refused():
    with pytest.raises(
        ConfigError, match=r"gate\.tolerance is a difference of AUC, so it is at most 1, received 5"
    ):
        AUC.assert_tolerance(5.0)
    AUC.assert_tolerance(1.0)


def test_a_tolerance_of_a_number_may_be_any():
    ERROR.assert_tolerance(1234.5)
