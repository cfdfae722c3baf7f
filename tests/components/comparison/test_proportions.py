"""The adjusted interval of Bonett and Price: against NumPy, by its coverage, and beside the exact test."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from limbeck.components.comparison import mcnemar, proportions
from limbeck.models import HARD_LABELS, STUDENT, TEACHER
from limbeck.report.verdicts import Interval
from tests.components.comparison.scored import compare
from tests.components.comparison.test_mcnemar import answers

Scores = npt.NDArray[np.float64]


def table(wins: int, losses: int, examples: int) -> tuple[Scores, Scores]:
    """Two models that disagree about so many of the examples, and are right about the others."""
    one, other = np.ones(examples), np.ones(examples)
    other[:wins] = 0
    one[wins : wins + losses] = 0
    return one, other


def by_numpy(one: Scores, other: Scores) -> tuple[float, float]:
    """The interval of Wald for a mean, with an example more of each disagreement, in float64."""
    differences = np.append(one - other, [1.0, -1.0])
    reach = stats.norm.ppf(0.975) * differences.std() / np.sqrt(len(differences))
    return differences.mean() - reach, differences.mean() + reach


@pytest.mark.parametrize(
    ("wins", "losses", "alike"), [(4, 0, 100), (0, 0, 20), (31, 17, 150), (0, 9, 7), (200, 190, 0)]
)
def test_it_is_walds_interval_with_one_example_more_of_each_disagreement(wins: int, losses: int, alike: int):
    one, other = answers(wins, losses, alike)

    found = proportions.difference(one, other)

    assert found.value == pytest.approx(one.mean() - other.mean(), abs=1e-15)
    assert (found.low, found.high) == pytest.approx(by_numpy(one, other), rel=1e-12)


def test_it_stays_within_the_possible_and_has_its_value_inside():
    for examples in (1, 2, 5, 40):
        for wins in range(examples + 1):
            for losses in range(examples + 1 - wins):
                found = proportions.difference(*table(wins, losses, examples))
                assert found.value is not None and found.low is not None and found.high is not None
                assert -1 <= found.low <= found.value <= found.high <= 1
                assert found.low < found.high


def coverage(examples: int, won: float, lost: float, draws: int = 4000) -> tuple[float, float]:
    """How often the interval covers the true difference, and how often that of the bootstrap's normal limit does."""
    generator = np.random.default_rng(0)
    drawn = generator.multinomial(examples, [won, lost, 1 - won - lost], draws)
    tables, counts = np.unique(drawn, axis=0, return_counts=True)
    covers, plain = 0, 0
    for (wins, losses, _), count in zip(tables.tolist(), counts.tolist(), strict=True):
        one, other = table(wins, losses, examples)
        found = proportions.difference(one, other)
        assert found.value is not None and found.low is not None and found.high is not None
        reach = 1.96 * (one - other).std() / np.sqrt(examples)
        covers += count * (found.low <= won - lost <= found.high)
        plain += count * (abs(found.value - (won - lost)) <= reach)
    return covers / draws, plain / draws


@pytest.mark.parametrize(("examples", "won", "lost"), [
    (60, 0.05, 0.02), (250, 0.02, 0.005), (250, 0.01, 0.01), (400, 0.10, 0.07), (1000, 0.004, 0.001),
])  # fmt: skip
def test_it_covers_the_truth_19_times_of_20_where_disagreements_are_few(examples: int, won: float, lost: float):
    found, _ = coverage(examples, won, lost)
    assert 0.94 <= found <= 0.995


def test_without_the_adjustment_it_would_not():
    """So the bootstrap's interval was too narrow: it has the same limit."""
    found, plain = coverage(250, 0.015, 0.001)
    assert found >= 0.94
    assert plain < 0.92


@pytest.mark.parametrize("examples", [12, 60, 250, 1000])
def test_it_excludes_0_where_the_exact_test_rejects_and_nowhere_else(examples: int):
    most = min(examples, 120)
    for wins in range(most + 1):
        for losses in range(most + 1 - wins):
            one, other = table(wins, losses, examples)
            found, p = proportions.difference(one, other), mcnemar.p_value(one, other)
            assert found.low is not None and found.high is not None
            # The test rejects nothing that the interval does not exclude; where it is the stricter one, it counts.
            assert p >= 0.05 or found.low > 0 or found.high < 0, (wins, losses)
            agreed = proportions.agreeing(found, p)
            assert agreed.low is not None and agreed.high is not None
            assert (agreed.low > 0 or agreed.high < 0) == (p < 0.05), (wins, losses)


def test_what_is_undefined_stays_undefined():
    assert proportions.agreeing(Interval(0.4, None, 0.9), 0.2) == Interval(0.4, None, 0.9)
    assert proportions.agreeing(Interval(0.4, 0.1, None), 0.2) == Interval(0.4, 0.0, None)


def test_a_gain_that_is_not_shown_has_an_interval_that_says_so_too():
    """Four examples won and none lost: p was 0.125, beside intervals of the gain and of the gap that exclude 0."""
    control, _ = table(0, 40, 400)
    student, teacher = control.copy(), control.copy()
    [wrong] = np.nonzero(control == 0)
    student[wrong[:4]], teacher[wrong[:10]] = 1, 1

    verdicts = compare({TEACHER: teacher, STUDENT: student, HARD_LABELS: control})

    against = verdicts.against[HARD_LABELS]
    assert against.p_value == pytest.approx(0.125)
    low, high = against.difference.low, against.difference.high
    assert low is not None
    assert high is not None
    assert low < 0 < high
    assert verdicts.gap_recovered is not None and verdicts.gap_recovered.low == 0
    assert verdicts.gap_recovered.value == pytest.approx(0.4)
