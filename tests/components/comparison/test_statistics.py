"""The bootstrap of measures that are no mean of scores: against scikit-learn example by example, and against DeLong."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from limbeck.components.comparison import bootstrap
from limbeck.components.comparison.answers import Answers
from limbeck.components.comparison.bootstrap import draw, interval, lower_end, p_value
from limbeck.components.comparison.compare import compare
from limbeck.models import HARD_LABELS, PSEUDO_LABELS, STUDENT, TEACHER
from limbeck.objectives.area_under_curve import AreaUnderCurve
from limbeck.report.verdicts import Interval, NonInferiority, Verdicts

pytestmark = pytest.mark.long

# How far each model lifts the scores of positive examples.
LIFTS = {TEACHER: 2.4, STUDENT: 2.0, HARD_LABELS: 1.0, PSEUDO_LABELS: 1.9}
AREA = AreaUnderCurve()


def answers(examples: int, seed: int = 0, positives: float = 0.3) -> Answers:
    generator = np.random.default_rng(seed)
    labels = (generator.random(examples) < positives).astype(np.int64)
    common = generator.normal(size=examples)
    outputs = {
        name: (lift * labels + common + 0.5 * generator.normal(size=examples))[:, np.newaxis]
        for name, lift in LIFTS.items()
    }
    return Answers(labels, outputs)


def plain(given: Answers, draws: int = 2000) -> dict[str, npt.NDArray[np.float64]]:
    """Draws example by example, and asks scikit-learn."""
    generator = np.random.default_rng(7)
    chosen = generator.integers(len(given.labels), size=[draws, len(given.labels)])
    return {
        name: np.array([roc_auc_score(given.labels[row], one[row, 0]) for row in chosen])
        for name, one in given.outputs.items()
    }


@pytest.mark.parametrize("way", ["example by example", "normal limit"])
def test_areas_are_drawn_in_pairs_as_scikit_learn_draws_them(way: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "MOST_EXAMPLES_OF_A_STATISTIC", 0 if way == "normal limit" else 1 << 20)
    monkeypatch.setattr(bootstrap, "MOST_EXAMPLES", 0 if way == "normal limit" else 1 << 20)
    given = answers(300)

    drawn, expected = draw(given, AREA), plain(given)

    assert set(drawn) == set(expected)
    for one, other in ((STUDENT, HARD_LABELS), (STUDENT, PSEUDO_LABELS), (TEACHER, HARD_LABELS)):
        found, wanted = drawn[one] - drawn[other], expected[one] - expected[other]
        assert found.std() == pytest.approx(wanted.std(), rel=0.06)
        width = np.ptp(np.percentile(wanted, [2.5, 97.5]))
        np.testing.assert_allclose(
            np.percentile(found, [2.5, 50, 97.5]), np.percentile(wanted, [2.5, 50, 97.5]), atol=0.06 * width
        )
    # Drawn one by one, differences would vary more.
    assert (drawn[STUDENT] - drawn[HARD_LABELS]).std() < np.hypot(drawn[STUDENT].std(), drawn[HARD_LABELS].std())


def test_the_p_value_is_that_of_delongs_test():
    """DeLong, DeLong and Clarke-Pearson (1988), written out over all pairs."""
    given = answers(500, seed=3)
    positive = given.labels == 1
    wins = {}
    for name in (STUDENT, PSEUDO_LABELS):
        high, low = given.outputs[name][positive, 0], given.outputs[name][~positive, 0]
        wins[name] = (high[:, np.newaxis] > low) + 0.5 * (high[:, np.newaxis] == low)
    apart = wins[STUDENT] - wins[PSEUDO_LABELS]
    variance = apart.mean(axis=1).var(ddof=1) / positive.sum() + apart.mean(axis=0).var(ddof=1) / (~positive).sum()
    expected = 2 * stats.norm.sf(abs(apart.mean()) / np.sqrt(variance))

    drawn = draw(given, AREA)

    assert p_value(drawn[STUDENT] - drawn[PSEUDO_LABELS]) == pytest.approx(expected, abs=0.02)
    assert 0.001 < expected < 0.9


def test_draws_do_not_depend_on_the_order_of_the_examples():
    given = answers(80)
    order = np.random.default_rng(1).permutation(80)
    shuffled = Answers(given.labels[order], {name: one[order] for name, one in given.outputs.items()})

    one, other = draw(given, AREA), draw(shuffled, AREA)

    for name in LIFTS:
        np.testing.assert_array_equal(one[name], other[name])
    assert (draw(given, AREA, seed=1)[STUDENT] != one[STUDENT]).any()


def test_drawing_in_parts_draws_the_same(monkeypatch: pytest.MonkeyPatch):
    given = answers(30)
    whole = draw(given, AREA)
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 30 * 7)

    np.testing.assert_allclose(draw(given, AREA)[STUDENT], whole[STUDENT], rtol=1e-12)


def test_verdicts_are_on_areas():
    given = answers(400)
    areas = {name: roc_auc_score(given.labels, one[:, 0]) for name, one in given.outputs.items()}

    verdicts = compare(given, AREA)

    found = verdicts.against[HARD_LABELS]
    assert found.difference.value == pytest.approx(areas[STUDENT] - areas[HARD_LABELS])
    assert found.difference.low is not None
    assert found.difference.low > 0
    assert found.p_value < 0.01
    assert verdicts.distillation_helped is not None
    assert verdicts.distillation_helped.verdict
    assert verdicts.gap_recovered is not None
    gap = (areas[STUDENT] - areas[HARD_LABELS]) / (areas[TEACHER] - areas[HARD_LABELS])
    assert verdicts.gap_recovered.value == pytest.approx(gap)


def test_an_interval_of_a_difference_of_areas_covers_the_truth_19_times_of_20():
    many = answers(400_000, seed=99)
    truth = {name: roc_auc_score(many.labels, many.outputs[name][:, 0]) for name in (STUDENT, PSEUDO_LABELS)}
    covered = []
    for seed in range(100):
        drawn = draw(answers(150, seed), AREA)
        found = interval(0.0, drawn[STUDENT] - drawn[PSEUDO_LABELS])
        assert found.low is not None
        assert found.high is not None
        covered.append(found.low <= truth[STUDENT] - truth[PSEUDO_LABELS] <= found.high)

    assert 0.88 <= np.mean(covered) <= 1.0


def test_the_lower_end_is_below_the_true_difference_19_times_of_20(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "DRAWS_OF_EXAMPLES", 1_000)
    many = answers(400_000, seed=99)
    truth = {name: roc_auc_score(many.labels, many.outputs[name][:, 0]) for name in (STUDENT, TEACHER)}
    below = []
    for seed in range(200):
        given = answers(120, seed)
        drawn = draw(Answers(given.labels, {name: given.outputs[name] for name in (STUDENT, TEACHER)}), AREA)
        low = lower_end(drawn[STUDENT] - drawn[TEACHER], 120)
        assert low is not None
        below.append(low <= truth[STUDENT] - truth[TEACHER])

    assert 0.91 <= np.mean(below) <= 0.985


def test_one_positive_example_proves_nothing():
    """In a third of the draws it is missing, and they have no area."""
    given = answers(60)
    labels = np.zeros(60, np.int64)
    labels[7] = 1
    outputs = {name: np.zeros([60, 1]) for name in LIFTS}
    for name in (TEACHER, STUDENT, PSEUDO_LABELS):
        outputs[name][7] = 1.0

    verdicts = compare(Answers(labels, outputs), AREA)

    found = verdicts.against[HARD_LABELS]
    assert found.difference == Interval(0.5, None, None)
    assert found.p_value > 0.5
    assert verdicts.against_teacher == NonInferiority(0.0, None, 60)
    assert compare(given, AREA) != Verdicts()


def test_without_an_area_there_is_no_verdict():
    given = answers(60)

    assert compare(Answers(np.ones(60, np.int64), given.outputs), AREA) == Verdicts()


def test_a_draw_without_a_figure_counts_beyond_both_ends():
    drawn = np.append(np.arange(1000.0), np.full(20, np.nan))

    found = interval(500.0, drawn)

    assert found.low == pytest.approx(np.sort(np.append(np.arange(1000.0), np.full(20, -1.0)))[25], abs=1)
    assert found.high == pytest.approx(np.sort(np.append(np.arange(1000.0), np.full(20, 1e9)))[-26], abs=1)
    assert interval(0.0, np.append(np.arange(100.0), np.full(20, np.nan))) == Interval(0.0, None, None)
    assert p_value(np.append(np.ones(900), np.full(100, np.nan))) == pytest.approx(0.2, abs=0.01)
