"""Positions by formula, ticks by their properties."""

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from limbeck.report.charts import scale
from limbeck.report.charts.scale import Scale

FIGURES = st.floats(-1e9, 1e9)
POSITIVE = st.floats(1e-9, 1e12)


@pytest.mark.parametrize(("value", "position"), [(10, 100.0), (20, 300.0), (15, 200.0), (12.5, 150.0)])
def test_a_linear_scale_interpolates(value: float, position: float):
    assert Scale(10, 20, 100, 300)(value) == pytest.approx(position)


@pytest.mark.parametrize(("value", "position"), [(1, 0.0), (1000, 90.0), (10, 30.0), (100, 60.0)])
def test_equal_factors_are_equal_distances_on_a_logarithmic_scale(value: float, position: float):
    assert Scale(1, 1000, 0, 90, logarithmic=True)(value) == pytest.approx(position)


def test_a_scale_may_run_upwards():
    assert Scale(0, 1, 200, 20)(1) == pytest.approx(20)


@given(st.lists(FIGURES, min_size=1))
def test_a_linear_scale_holds_its_values_with_a_margin(values: list[float]):
    made = scale.linear(values, 0, 100)

    assert made.low < min(values) <= max(values) < made.high
    assert all(0 <= made(value) <= 100 for value in values)


@given(st.lists(POSITIVE, min_size=1))
def test_a_logarithmic_scale_holds_its_values_with_a_margin(values: list[float]):
    made = scale.logarithmic(values, 0, 100)

    assert 0 < made.low < min(values) <= max(values) < made.high
    assert all(0 <= made(value) <= 100 for value in values)


@given(FIGURES, st.floats(1e-6, 1e9), st.integers(3, 10))
def test_ticks_are_evenly_spaced_round_figures_in_the_range(low: float, range_: float, about: int):
    high = low + range_
    assume(high - low > 1e-9 * max(abs(low), abs(high)))

    found = scale.ticks(low, high, about)

    assert low <= found[0] < found[-1] <= high
    assert 2 <= len(found) <= 2 * about
    steps = [after - before for before, after in itertools.pairwise(found)]
    # Ticks at the ends of the range may have been moved into it by a rounding error.
    assert max(steps) - min(steps) <= 1e-6 * max(steps) + 1e-9 * max(abs(low), abs(high))
    leading = float(f"{steps[0]:.3e}".split("e")[0])
    assert any(math.isclose(leading, one, rel_tol=2e-2) for one in (1, 2, 2.5, 5, 10))


@given(POSITIVE, st.floats(1.01, 1e12), st.integers(3, 8))
def test_logarithmic_ticks_rise_within_the_range(low: float, factor: float, about: int):
    high = low * factor

    found = scale.logarithmic_ticks(low, high, about)

    assert 2 <= len(found) <= 2 * about
    assert list(found) == sorted(set(found))
    assert low <= found[0]
    assert found[-1] <= high


@pytest.mark.parametrize(
    ("low", "high", "about", "expected"),
    [
        (0.8, 1200, 4, (1, 10, 100, 1000)),
        (0.09, 0.6, 4, (0.1, 0.2, 0.5)),
        (60e3, 1.6e6, 4, (1e5, 2e5, 5e5, 1e6)),
        (1, 1e9, 5, (1, 1e2, 1e4, 1e6, 1e8)),
    ],
)
def test_logarithmic_ticks_that_a_person_would_choose(low: float, high: float, about: int, expected: tuple[float]):
    assert scale.logarithmic_ticks(low, high, about) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, (0, 0.25, 0.5, 0.75, 1)), (0.89, 1.0, (0.9, 0.925, 0.95, 0.975, 1.0)), (-3, 12, (0, 5, 10))],
)
def test_linear_ticks_that_a_person_would_choose(low: float, high: float, expected: tuple[float]):
    assert scale.ticks(low, high, 4) == pytest.approx(expected)
