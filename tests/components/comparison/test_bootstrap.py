"""The bootstrap against one that draws example by example, and its p-value against tests of McNemar's kind."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from limbeck.components.comparison import bootstrap
from limbeck.components.comparison.bootstrap import DRAWS, draw_means, interval, lower_end, p_value

Right = npt.NDArray[np.bool_]


def answers(first_only: int, second_only: int, examples: int) -> Right:
    """Two models, each right about so many examples that the other misses, and both about half of the rest."""
    both = (examples - first_only - second_only) // 2
    right = np.zeros([2, examples], bool)
    right[0, :first_only] = right[1, first_only : first_only + second_only] = True
    right[:, examples - both :] = True
    return right


def p_between(right: Right, seed: int = 0, draws: int = DRAWS) -> float:
    drawn = draw_means(right, draws, seed)
    return p_value(drawn[0] - drawn[1])


@pytest.mark.parametrize("examples", [1, 2, 60, 500])
def test_drawing_patterns_is_drawing_examples(examples: int):
    generator = np.random.default_rng(examples)
    # Models that agree more often than not, as models of one data set do.
    common = generator.random(examples) < 0.8
    right = np.stack([np.where(generator.random(examples) < 0.7, common, generator.random(examples) < 0.5)] * 3)
    right[1:] ^= generator.random([2, examples]) < 0.15
    chosen = generator.integers(examples, size=[DRAWS, examples])
    plain = np.stack([one[chosen].mean(axis=1) for one in right])

    drawn = draw_means(right)

    assert drawn.shape == plain.shape
    of_means = plain.std(axis=1) / np.sqrt(DRAWS / 2)
    assert (np.abs(drawn.mean(axis=1) - plain.mean(axis=1)) <= 5 * of_means).all()
    np.testing.assert_allclose(drawn.std(axis=1), plain.std(axis=1), rtol=0.03)
    for pair in ((0, 1), (0, 2), (1, 2)):
        one, other = (some[pair[0]] - some[pair[1]] for some in (drawn, plain))
        np.testing.assert_allclose(one.std(), other.std(), rtol=0.03)
        # A quantile can fall on either side of a step.
        quantiles = [2.5, 25, 50, 75, 97.5]
        np.testing.assert_allclose(
            np.percentile(one, quantiles), np.percentile(other, quantiles), atol=1.01 / examples
        )


def test_accuracies_are_drawn_around_those_that_were_measured():
    right = answers(30, 10, 360)
    drawn = draw_means(right)

    share = right.mean(axis=1)
    deviation = np.sqrt(share * (1 - share) / 360)
    np.testing.assert_allclose(drawn.mean(axis=1), share, atol=5 * deviation.max() / np.sqrt(DRAWS))
    np.testing.assert_allclose(drawn.std(axis=1), deviation, rtol=0.03)


def test_a_model_that_is_always_right_is_so_in_every_draw():
    assert (draw_means(np.ones([2, 50], bool)) == 1).all()


def test_the_same_predictions_give_the_same_draws_in_whatever_order_they_come():
    right = answers(5, 9, 100)
    shuffled = right[:, np.random.default_rng(0).permutation(100)]

    np.testing.assert_array_equal(draw_means(right), draw_means(shuffled))
    assert (draw_means(right) != draw_means(right, seed=1)).any()


# Examples that only the one and only the other is right about.
TABLES = [(6, 1), (8, 2), (12, 4), (4, 12), (20, 8), (30, 15), (60, 40), (40, 60), (100, 70), (15, 15), (50, 51)]


@pytest.mark.parametrize("examples", [200, 2000])
@pytest.mark.parametrize(("first_only", "second_only"), TABLES)
def test_the_p_value_is_that_of_mcnemars_tests(first_only: int, second_only: int, examples: int):
    """The exact one, and the mid-p one, which Fagerland, Lydersen and Laake (2013) prefer to it."""
    fewer, trials = min(first_only, second_only), first_only + second_only
    exact = stats.binomtest(fewer, trials).pvalue
    mid = 2 * stats.binom.cdf(fewer, trials, 0.5) - stats.binom.pmf(fewer, trials, 0.5)

    found = p_between(answers(first_only, second_only, examples))

    assert mid - 0.015 < found < exact + 0.015
    if mid < 0.2:
        assert found == pytest.approx(mid, abs=0.015)


@pytest.mark.parametrize(("first_only", "second_only"), TABLES)
def test_the_p_value_does_not_depend_on_which_model_comes_first(first_only: int, second_only: int):
    right = answers(first_only, second_only, 300)
    drawn = draw_means(right)
    found = p_value(drawn[0] - drawn[1])

    assert p_value(drawn[1] - drawn[0]) == found
    # Other draws, so other by their error.
    assert p_between(right[::-1]) == pytest.approx(found, abs=5 * 2 * np.sqrt(max(found, 0.001) / 2 / DRAWS))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_models_that_answer_alike_do_not_differ(share: float):
    right = np.random.default_rng(0).random(200) < share

    assert p_between(np.stack([right, right])) == 1.0


def test_the_p_value_is_never_0():
    assert p_between(answers(300, 0, 400)) == 2 / (DRAWS + 1)
    assert 0 < p_between(answers(300, 0, 400), draws=10) < 1


@pytest.mark.parametrize(("examples", "disagreement"), [(360, 0.015), (360, 0.05), (360, 0.2), (2000, 0.1)])
def test_where_there_is_no_difference_few_p_values_are_small(examples: int, disagreement: float):
    generator = np.random.default_rng(examples)
    cells = [disagreement / 2, disagreement / 2, 1 - disagreement]
    found = np.array([p_between(answers(a, b, examples), draws=2000)
                      for a, b, _ in generator.multinomial(examples, cells, size=300)])  # fmt: skip

    # Where the models hardly ever disagree no table is far from equal, and the test is on the safe side.
    assert (0.01 if disagreement > 0.02 else 0.0) <= np.mean(found < 0.05) <= 0.1
    if disagreement > 0.1:
        assert 0.4 < np.mean(found < 0.5) < 0.6


def test_a_difference_that_is_there_is_found():
    found = [p_between(answers(a, b, 1000), draws=2000)
             for a, b, _ in np.random.default_rng(1).multinomial(1000, [0.06, 0.02, 0.92], size=100)]  # fmt: skip

    assert np.mean(np.array(found) < 0.05) > 0.95


def test_an_interval_covers_the_truth_19_times_of_20():
    generator = np.random.default_rng(0)
    covered = 0
    for first_only, second_only, _ in generator.multinomial(400, [0.07, 0.03, 0.9], size=400):
        drawn = draw_means(answers(first_only, second_only, 400), draws=1000)
        found = interval((first_only - second_only) / 400, drawn[0] - drawn[1])
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.04 <= found.high
    assert 0.925 <= covered / 400 <= 0.975


def test_an_interval_goes_from_one_end_of_the_draws_to_the_other():
    found = interval(0.5, np.arange(1001) / 1000)

    assert (found.value, found.low, found.high) == (0.5, pytest.approx(0.025), pytest.approx(0.975))


def plain_means(scores: npt.NDArray[np.float64], seed: int = 1) -> npt.NDArray[np.float64]:
    """Draws example by example, 10,000 times."""
    chosen = np.random.default_rng(seed).integers(scores.shape[1], size=[10_000, scores.shape[1]])
    return np.stack([one[chosen].mean(axis=1) for one in scores])


@pytest.fixture(params=["by pattern", "one by one", "normal limit"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Has the means drawn in one of the three ways, whatever the number of patterns and examples."""
    monkeypatch.setattr(bootstrap, "FEW_PATTERNS", 1 << 20 if request.param == "by pattern" else 0)
    monkeypatch.setattr(bootstrap, "MOST_EXAMPLES", 0 if request.param == "normal limit" else 1 << 20)
    return str(request.param)


@pytest.mark.parametrize("examples", [1, 40, 700])
def test_scores_may_be_any_numbers(way: str, examples: int):
    generator = np.random.default_rng(examples)
    common = generator.exponential(size=examples)
    scores = -np.stack(
        [common, 0.5 * common + generator.exponential(size=examples), generator.normal(size=examples)]
    )

    drawn = draw_means(scores)

    plain = plain_means(scores)
    assert drawn.shape == (3, DRAWS)
    deviation = scores.std(axis=1) / np.sqrt(examples)
    near = deviation.max() / np.sqrt(DRAWS) + 1e-12
    np.testing.assert_allclose(drawn.mean(axis=1), scores.mean(axis=1), atol=5 * near)
    np.testing.assert_allclose(drawn.std(axis=1), deviation, rtol=0.03, atol=1e-7)
    covariance = np.cov(scores, ddof=0) / examples
    np.testing.assert_allclose(np.cov(drawn), covariance, atol=0.05 * deviation.max() ** 2 + 1e-12)
    # Where examples are few, the draws of so skewed scores are not normal.
    if way == "normal limit" and examples < 100:
        return
    for one, other in ((0, 1), (1, 2)):
        percentiles = [np.percentile(some[one] - some[other], [2.5, 50, 97.5]) for some in (drawn, plain)]
        np.testing.assert_allclose(*percentiles, atol=0.15 * deviation.max() + 1e-7)


@pytest.mark.usefixtures("way")
def test_models_with_the_same_scores_do_not_differ():
    one = np.random.default_rng(0).normal(size=500)
    drawn = draw_means(np.stack([one, one]), draws=2000)

    np.testing.assert_allclose(drawn[0], drawn[1], rtol=0, atol=1e-9)
    assert p_value(drawn[0] - drawn[1]) > 0.9


@pytest.mark.usefixtures("way")
def test_a_draw_does_not_depend_on_the_order_of_the_examples():
    scores = np.random.default_rng(0).normal(size=[2, 200]).round(1)
    shuffled = scores[:, np.random.default_rng(1).permutation(200)]

    np.testing.assert_array_equal(draw_means(scores, draws=500), draw_means(shuffled, draws=500))


def test_drawing_in_parts_draws_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "FEW_PATTERNS", 0)
    scores = np.random.default_rng(0).normal(size=[2, 30])
    whole = draw_means(scores, draws=1000)
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 30 * 7)

    np.testing.assert_allclose(draw_means(scores, draws=1000), whole, rtol=1e-12)


def test_whether_right_is_stored_as_a_truth_value_or_a_score_makes_no_difference():
    right = answers(30, 10, 360)

    np.testing.assert_array_equal(draw_means(right.astype(np.float64)), draw_means(right))


@pytest.mark.parametrize("examples", [3, 4, 5, 20, 100, 5_000])
def test_the_lower_end_is_longer_by_students_t(examples: int):
    """Of draws that are normal, it is where Student's t ends, in the deviation that the draws of so many have."""
    drawn = stats.norm.ppf((np.arange(400_000) + 0.5) / 400_000)

    low = lower_end(drawn, examples)

    wanted = stats.t.ppf(0.05, examples - 1) * np.sqrt(examples / (examples - 1))
    assert low == pytest.approx(wanted, rel=0.03 if examples < 5 else 0.005)


def test_the_lower_end_is_below_the_truth_19_times_of_20():
    generator, few = np.random.default_rng(5), 12
    below, plain = 0, 0
    for _ in range(1_000):
        scores = generator.normal(0.0, 1.0, [1, few])
        [drawn] = draw_means(scores, draws=1_000)
        low = lower_end(drawn, few)
        assert low is not None
        below += low <= 0
        plain += np.percentile(drawn, 5) <= 0
    assert 0.935 <= below / 1_000 <= 0.965
    # The percentile alone lets a half more through.
    assert plain / 1_000 < 0.935


def test_draws_without_a_figure_are_below_the_lower_end():
    drawn = np.append(np.arange(1000.0), np.full(20, np.nan))

    assert lower_end(drawn, 10**6) == pytest.approx(np.sort(np.nan_to_num(drawn, nan=-1.0))[51], abs=1)
    assert lower_end(np.append(np.arange(900.0), np.full(100, np.nan)), 10**6) is None
    assert [lower_end(np.zeros(10), examples) for examples in (1, 2, 3)] == [None, None, 0]
