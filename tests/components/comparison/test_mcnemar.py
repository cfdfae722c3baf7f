"""The exact test of McNemar against scipy's binomial test, and against a sum of exact fractions."""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from limbeck.components.comparison import mcnemar


def answers(wins: int, losses: int, alike: int = 20) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Two models, each right about so many examples that the other misses, and as many right as wrong of the rest."""
    one = np.repeat([1.0, 0.0, 1.0, 0.0], [wins, losses, alike, alike])
    other = np.repeat([0.0, 1.0, 1.0, 0.0], [wins, losses, alike, alike])
    order = np.random.default_rng(0).permutation(len(one))
    return one[order], other[order]


def by_fractions(fewer: int, trials: int) -> float:
    """The same probability without a float before the end."""
    tail = sum(math.comb(trials, count) for count in range(fewer + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**trials)))


def test_four_disagreements_all_one_way_are_no_proof():
    assert mcnemar.p_value(*answers(4, 0)) == pytest.approx(0.125, rel=1e-12)
    assert mcnemar.p_value(*answers(5, 0)) == pytest.approx(0.0625, rel=1e-12)
    assert mcnemar.p_value(*answers(0, 6)) == pytest.approx(0.03125, rel=1e-12)


@pytest.mark.parametrize("trials", [0, 1, 2, 3, 7, 20, 101])
def test_it_is_the_binomial_test_of_all_disagreements(trials: int):
    for wins in range(trials + 1):
        found = mcnemar.p_value(*answers(wins, trials - wins))

        assert found == pytest.approx(by_fractions(min(wins, trials - wins), trials), rel=1e-11)
        if trials:
            assert found == pytest.approx(stats.binomtest(wins, trials).pvalue, rel=1e-9)


@pytest.mark.parametrize(("wins", "losses"), [(1200, 1000), (50_000, 50_500), (400_000, 401_000), (0, 900)])
def test_many_disagreements_lose_no_digits_that_matter(wins: int, losses: int):
    expected = stats.binomtest(wins, wins + losses).pvalue

    assert mcnemar.p_value(*answers(wins, losses)) == pytest.approx(expected, rel=1e-7)


def test_neither_order_nor_agreement_matters():
    found = mcnemar.p_value(*answers(9, 2))

    assert mcnemar.p_value(*reversed(answers(9, 2))) == found
    assert mcnemar.p_value(*answers(9, 2, alike=0)) == found
    assert mcnemar.p_value(*answers(9, 2, alike=3000)) == found


@pytest.mark.parametrize(("examples", "disagreement"), [(60, 0.05), (360, 0.015), (360, 0.2)])
def test_where_there_is_no_difference_at_most_one_in_twenty_is_significant(examples: int, disagreement: float):
    """By all tables there are, with their probabilities, and not by a sample of them."""
    rate = 0.0
    for trials in range(examples + 1):
        of_trials = stats.binom.pmf(trials, examples, disagreement)
        if of_trials > 1e-12:
            rate += of_trials * sum(
                stats.binom.pmf(wins, trials, 0.5)
                for wins in range(trials + 1)
                if mcnemar.p_value(*answers(wins, trials - wins, alike=0)) < 0.05
            )

    assert rate <= 0.05


@pytest.mark.parametrize(("scores", "expected"), [
    ([0.0, 1.0], True), ([1.0, 1.0], True), ([True, False], True), ([0.0, 0.5], False), ([-1.0, 0.0], False),
])  # fmt: skip
def test_it_applies_to_what_is_right_or_wrong(scores: list[float], expected: bool):
    assert mcnemar.applies(np.array(scores)) is expected
