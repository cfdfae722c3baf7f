"""A mean difference is told from chance, also of few examples."""

import itertools

import numpy as np
import pytest
from scipy import stats

from limbeck.trainer.search.sign_flips import p_value


@pytest.mark.parametrize(("wins", "losses"), [(3, 0), (9, 0), (12, 4), (30, 28), (2, 7)])
def test_of_right_and_wrong_it_is_mcnemars_exact_test(wins, losses):
    differences = np.array([1.0] * wins + [-1.0] * losses + [0.0] * 500)
    exact = stats.binomtest(wins, wins + losses, alternative="greater").pvalue
    assert p_value(differences) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9_999) + 1e-4)


def test_it_is_the_share_of_all_flips_that_are_as_large():
    differences = np.random.default_rng(1).normal(0.4, 1.0, 12)
    flips = np.array(list(itertools.product([-1, 1], repeat=12))) @ differences
    assert p_value(differences) == (flips >= differences.sum() - 1e-9).mean()


def test_it_agrees_with_scipy_on_heavy_tails():
    differences = np.random.default_rng(2).standard_t(2, 300) + 0.2
    found = stats.permutation_test(
        (differences,),
        np.sum,
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=9_999,
        random_state=3,
    )
    assert p_value(differences) == pytest.approx(found.pvalue, abs=0.02)


def test_one_answer_proves_nothing_however_much_it_counts():
    assert p_value(np.array([100.0, *[0.0] * 999])) == pytest.approx(0.5, abs=0.02)


def test_no_difference_proves_nothing_and_many_small_ones_do():
    assert p_value(np.zeros(50)) == 1.0
    assert p_value(np.full(50, 0.1)) == pytest.approx(1e-4)
    # Three times as likely as not, by groups of examples: 200,000 differences are 2,000 sums.
    large = np.random.default_rng(4).normal(0.01, 1.0, 200_000)
    assert p_value(large) < 0.001
    assert p_value(-large) > 0.999


def test_the_same_differences_have_the_same_p_value():
    differences = np.random.default_rng(5).normal(0.1, 1.0, 200)
    assert p_value(differences) == p_value(differences.copy())
