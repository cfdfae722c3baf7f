"""What a bound shows of a tolerance, and how many examples would be enough: by simulation."""

import numpy as np
import pytest

from limbeck.components.comparison.score_bound import lower_bound
from limbeck.objectives.binary import Binary
from limbeck.objectives.classes import Classes
from limbeck.objectives.regression import Regression
from limbeck.report.verdicts import NonInferiority

ACCURACY = Classes.measure


# In binary 0.9 - 0.85 is more than 0.05, and 0.95 - 0.9 is less.
@pytest.mark.parametrize(("teacher", "student"), [(0.9, 0.85), (0.95, 0.9), (0.976, 0.926), (0.05, 0.0)])
def test_a_bound_that_equals_the_tolerance_is_enough(teacher: float, student: float):
    assert NonInferiority(0.0, student - teacher, 100).shows(0.05, ACCURACY)


def test_one_in_a_million_beyond_the_tolerance_is_not():
    assert not NonInferiority(0.0, -0.050001, 100).shows(0.05, ACCURACY)


def test_without_tolerance_the_student_must_be_better():
    assert NonInferiority(0.02, 0.001, 100).shows(0.0, ACCURACY)
    assert not NonInferiority(0.02, -0.001, 100).shows(0.0, ACCURACY)


def test_no_difference_is_larger_than_the_largest():
    """So the gate that allows it asks for no proof, though there is none."""
    unknown = NonInferiority(-0.4, None, 3)
    assert unknown.shows(1.0, ACCURACY)
    assert unknown.shows(1.0, Binary.measure)
    assert not unknown.shows(0.99, Binary.measure)
    assert not unknown.shows(1e6, Regression.measure)


@pytest.mark.parametrize("difference", [-0.06, -0.05])
def test_no_number_of_examples_shows_what_is_not_so(difference: float):
    assert NonInferiority(difference, difference - 0.02, 100).enough(0.05) is None


def test_without_a_bound_the_number_is_unknown():
    assert NonInferiority(0.0, None, 100).enough(0.05) is None


@pytest.mark.parametrize(("won", "lost", "tolerance"), [(0.02, 0.03, 0.03), (0.01, 0.02, 0.05), (0.1, 0.12, 0.05)])
def test_so_many_examples_show_it_in_four_of_five_splits(won: float, lost: float, tolerance: float):
    few = 100
    one, other = np.zeros(few), np.zeros(few)
    one[: round(won * few)] = 1
    other[round(won * few) : round((won + lost) * few)] = 1
    difference, low = won - lost, lower_bound(one, other)

    enough = NonInferiority(difference, low, few).enough(tolerance)

    assert enough is not None
    assert len(str(enough).rstrip("0")) <= 2
    drawn = np.random.default_rng(0).multinomial(enough, [won, lost, 1 - won - lost], 400)
    shown = []
    for wins, losses, _ in drawn.tolist():
        mine, theirs = np.zeros(enough), np.zeros(enough)
        mine[:wins], theirs[wins : wins + losses] = 1, 1
        bound = NonInferiority(0.0, lower_bound(mine, theirs), enough)
        shown.append(bound.shows(tolerance, ACCURACY))
    # "About": the bound of few examples is a little longer than that of many.
    assert 0.76 <= np.mean(shown) <= 0.93
