"""Student's t against SciPy."""

import pytest
from scipy import stats

from limbeck.components.comparison import students_t


@pytest.mark.parametrize("freedom", [1.0, 1.5, 2.0, 3.7, 19.0, 40.0, 41.0, 250.0, 9_999.0, 1e5, 1e9])
def test_it_is_scipys(freedom: float):
    for value in (0.0, 0.01, 0.7, 1.96, 4.0, 6.0):
        expected = 2 * stats.t.sf(value, freedom)
        assert students_t.two_sided(value, freedom) == pytest.approx(expected, rel=1e-3, abs=1e-9)
        assert students_t.two_sided(-value, freedom) == students_t.two_sided(value, freedom)
    for level in (0.6, 0.9, 0.95, 0.975, 0.999):
        assert students_t.quantile(level, freedom) == pytest.approx(stats.t.ppf(level, freedom), rel=1e-3)


def test_what_is_beyond_all_is_impossible():
    assert students_t.two_sided(1e9, 50.0) == 0.0
    assert students_t.two_sided(float("inf"), 1.0) == pytest.approx(0.0, abs=1e-9)
