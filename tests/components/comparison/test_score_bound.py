"""Tango's lower bound: against likelihoods that are maximised by brute force, and by the exact level of the gate."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from scipy.special import gammaln, xlogy

from limbeck.components.comparison import proportions
from limbeck.components.comparison.score_bound import lower_bound, statistic
from limbeck.report.verdicts import ONE_SIDED_QUANTILE
from tests.components.comparison.test_proportions import table

Array = npt.NDArray[np.float64]


def by_brute_force(wins: int, losses: int, examples: int, difference: float) -> float:
    """The score statistic, with the probability of a loss on a fine grid in place of a formula."""
    lost = np.linspace(max(0.0, -difference), (1 - difference) / 2, 200_001)
    won = lost + difference
    likelihood = (
        xlogy(wins, won) + xlogy(losses, lost) + xlogy(examples - wins - losses, np.maximum(1 - won - lost, 0))
    )
    best = lost[np.argmax(likelihood)]
    variance = (2 * best + difference - difference**2) / examples
    return float(((wins - losses) / examples - difference) / np.sqrt(variance))


@pytest.mark.parametrize(("wins", "losses", "examples"), [
    (0, 0, 20), (0, 3, 360), (1, 3, 360), (4, 0, 100), (31, 17, 198), (0, 9, 16), (200, 190, 390), (5, 5, 11),
])  # fmt: skip
@pytest.mark.parametrize("difference", [-0.3, -0.1, -0.05, -0.01, 0.02])
def test_the_statistic_is_that_of_the_likelihood(wins: int, losses: int, examples: int, difference: float):
    found = statistic(wins, losses, examples, difference)
    assert found == pytest.approx(by_brute_force(wins, losses, examples, difference), rel=2e-4, abs=1e-4)


def test_the_bound_is_where_the_statistic_has_its_quantile():
    assert pytest.approx(stats.norm.ppf(0.95), abs=1e-12) == ONE_SIDED_QUANTILE
    for examples in (1, 2, 7, 40):
        for wins in range(examples + 1):
            for losses in range(examples + 1 - wins):
                low = lower_bound(*table(wins, losses, examples))
                assert -1 <= low <= (wins - losses) / examples
                if low > -1 + 1e-9 and wins < examples:
                    found = statistic(wins, losses, examples, low)
                    assert found == pytest.approx(ONE_SIDED_QUANTILE, abs=1e-6), (wins, losses, examples)


def test_models_that_never_disagree_may_do_so_on_other_examples():
    """z² / (n + z²), in place of the difference 0 and no doubt: the rule of three for one side of 5 %."""
    squared = ONE_SIDED_QUANTILE**2
    for examples in (10, 50, 360, 10_000):
        assert lower_bound(*table(0, 0, examples)) == pytest.approx(-squared / (examples + squared), abs=1e-9)


def test_the_smaller_difference_has_the_smaller_bound():
    found = [lower_bound(*table(0, losses, 100)) for losses in range(101)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(-1)


def of_all_tables(examples: int) -> tuple[Array, Array, Array]:
    """Wins and losses of all tables, and the logarithm of how many arrangements each has."""
    wins, losses = np.meshgrid(np.arange(examples + 1), np.arange(examples + 1))
    possible = wins + losses <= examples
    wins, losses = wins[possible].astype(np.float64), losses[possible].astype(np.float64)
    ways = (
        gammaln([examples + 1]) - gammaln(wins + 1) - gammaln(losses + 1) - gammaln(examples - wins - losses + 1)
    )
    return wins, losses, ways


def adjusted(wins: Array, losses: Array, examples: int) -> Array:
    """The lower end of the one-sided interval of Bonett and Price."""
    won, lost = (wins + 1) / (examples + 2), (losses + 1) / (examples + 2)
    return won - lost - ONE_SIDED_QUANTILE * np.sqrt((won + lost - (won - lost) ** 2) / (examples + 2))


def test_of_students_at_the_limit_few_pass():
    """The exact level of the gate: students that are worse by the whole tolerance, over all tables there can be.

    The interval that the report has of a difference from the controls would let 8.6 of 100 pass.
    """
    worst, other = 0.0, 0.0
    for examples in (20, 50, 100, 360):
        wins, losses, ways = of_all_tables(examples)
        for tolerance in (0.01, 0.02, 0.05, 0.1):
            tested = np.array([
                statistic(int(won), int(lost), examples, -tolerance) for won, lost in zip(wins, losses, strict=True)
            ])  # fmt: skip
            passed = tested >= ONE_SIDED_QUANTILE
            too_many = adjusted(wins, losses, examples) >= -tolerance
            for won in (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3):
                lost = won + tolerance
                logarithms = ways + xlogy(wins, won) + xlogy(losses, lost)
                chances = np.exp(logarithms + xlogy(examples - wins - losses, 1 - won - lost))
                assert chances.sum() == pytest.approx(1)
                worst = max(worst, chances[passed].sum())
                other = max(other, chances[too_many].sum())
    assert 0.05 < worst < 0.0585
    assert other > 0.085


def test_the_adjusted_interval_is_that_of_the_report():
    for wins, losses in ((0, 0), (1, 3), (0, 12)):
        found = proportions.difference(*table(wins, losses, 360))
        centre = (wins - losses) / 362
        assert found.low is not None
        narrower = (centre - found.low) * ONE_SIDED_QUANTILE / stats.norm.ppf(0.975)
        low = adjusted(np.array([wins]), np.array([losses]), 360)
        assert low[0] == pytest.approx(centre - narrower)


def test_a_certain_loss_has_no_doubt():
    assert statistic(0, 5, 5, -1.0) == 0
    assert statistic(5, 0, 5, -1.0) == math.inf
    assert lower_bound(*table(0, 5, 5)) == pytest.approx(-1, abs=1e-9)
