"""The verdicts: held against their formulas, and against data whose truth is known."""

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from scipy import stats

from limbeck.components.comparison.compare import compare as compare_answers
from limbeck.components.comparison.score_bound import lower_bound
from limbeck.components.predictor import tables
from limbeck.models import CONTROLS, HARD_LABELS, MODELS, PSEUDO_LABELS, STUDENT, TEACHER
from limbeck.records import from_json, to_json
from limbeck.report.verdicts import Interval, NonInferiority, Verdicts
from tests.classes import classes
from tests.components.comparison.scored import compare

EXAMPLES = 400
# Shares of examples that a model is right about. All are right about the easiest, as real models nearly are.
SHARES = {TEACHER: 0.95, STUDENT: 0.9, HARD_LABELS: 0.8, PSEUDO_LABELS: 0.87}
Right = dict[str, npt.NDArray[np.bool_]]


def answers(shares: dict[str, float], seed: int = 0, examples: int = EXAMPLES) -> Right:
    generator = np.random.default_rng(seed)
    difficulty, noise = generator.random(examples), generator.normal(0, 0.03, [len(shares), examples])
    right = {name: difficulty + some < share for (name, share), some in zip(shares.items(), noise, strict=True)}
    return dict(sorted(right.items()))


def without(*names: str) -> Right:
    return {name: one for name, one in answers(SHARES).items() if name not in names}


def test_differences_are_those_of_the_accuracies():
    right = answers(SHARES)
    verdicts = compare(right)

    assert set(verdicts.against) == set(CONTROLS)
    for control, comparison in verdicts.against.items():
        difference = comparison.difference
        expected = right[STUDENT].mean() - right[control].mean()
        assert difference.value == pytest.approx(expected)
        assert difference.low is not None
        assert difference.high is not None
        assert difference.low < expected < difference.high
        # Each model's own interval would be wider than that of the difference: they mostly agree.
        paired, alone = right[STUDENT].astype(float) - right[control], right[STUDENT].std() + right[control].std()
        width = 2 * 1.96 * paired.std() / math.sqrt(EXAMPLES)
        assert difference.high - difference.low == pytest.approx(width, rel=0.1)
        assert width < 2 * 1.96 * alone / math.sqrt(EXAMPLES) / 2


def test_the_gap_that_was_recovered():
    right = answers(SHARES)
    teacher, student, control = (right[name].mean() for name in (TEACHER, STUDENT, HARD_LABELS))

    recovered = compare(right).gap_recovered

    assert recovered is not None
    assert recovered.value == pytest.approx((student - control) / (teacher - control))
    assert recovered.low is not None
    assert recovered.high is not None
    assert 0.3 < recovered.low < recovered.value < recovered.high < 1


def test_a_student_beyond_its_teacher_recovers_more_than_the_gap():
    recovered = compare(answers(SHARES | {STUDENT: 0.99})).gap_recovered

    assert recovered is not None
    assert recovered.value is not None
    assert recovered.value > 1


@pytest.mark.parametrize("worse", [0.0, 0.1])
def test_without_a_gap_there_is_nothing_to_recover(worse: float):
    right = answers(SHARES | {TEACHER: 0.8 - worse})
    if not worse:
        right[TEACHER] = right[HARD_LABELS]

    verdicts = compare(right)

    assert verdicts.gap_recovered == Interval(None, None, None)
    assert verdicts.distillation_helped is not None
    assert verdicts.distillation_helped.verdict


def test_a_gap_that_may_be_noise_has_a_value_and_no_ends():
    right = answers(SHARES)
    right[TEACHER] = right[HARD_LABELS].copy()
    [wrong] = np.nonzero(~right[HARD_LABELS])
    right[TEACHER][wrong[:2]] = True

    recovered = compare(right).gap_recovered

    assert recovered is not None
    assert recovered.value == pytest.approx((right[STUDENT].sum() - right[HARD_LABELS].sum()) / 2)
    assert (recovered.low, recovered.high) == (None, None)


def small_gap(won: int, lost: int, recovered: int) -> Right:
    """The teacher wins and loses so many examples against the control; the student wins so many of the former."""
    right = answers(SHARES)
    [wrong], [known] = np.nonzero(~right[HARD_LABELS]), np.nonzero(right[HARD_LABELS])
    for name, count in ((TEACHER, won), (STUDENT, recovered)):
        right[name] = right[HARD_LABELS].copy()
        right[name][wrong[:count]] = True
    right[TEACHER][known[:lost]] = False
    return right


@pytest.mark.parametrize(("won", "lost", "recovered"), [(9, 1, 8), (13, 3, 3), (12, 3, 12)])
def test_draws_without_a_gap_count_beyond_both_ends(won: int, lost: int, recovered: int):
    """They were left out, so that the interval was that of the draws in which there happened to be a gap."""
    right = small_gap(won, lost, recovered)
    cells = [recovered, won - recovered, lost, EXAMPLES - won - lost]
    drawn = np.random.default_rng(1).multinomial(EXAMPLES, np.array(cells) / EXAMPLES, 200_000)
    gain, gap = drawn[:, 0], drawn[:, 0] + drawn[:, 1] - drawn[:, 2]
    shares = np.sort(gain[gap > 0] / gap[gap > 0])
    without = np.count_nonzero(gap <= 0)
    assert 0.0005 < without / 200_000 < 0.025
    # Of each 40 draws one may lie beyond an end, and those without a gap are the first that do.
    beyond = 200_000 // 40 - without

    found = compare(right).gap_recovered

    assert found is not None
    assert found.low == pytest.approx(shares[beyond], abs=0.05)
    assert found.high == pytest.approx(shares[-1 - beyond], rel=0.1)
    # What it is where they are left out.
    assert found.high > 1.1 * np.percentile(shares, 97.5)


def test_four_examples_won_and_none_lost_do_not_prove_that_distillation_helped():
    right = small_gap(won=10, lost=0, recovered=4)

    verdicts = compare(right)

    assert verdicts.against[HARD_LABELS].p_value == pytest.approx(0.125)
    assert verdicts.distillation_helped is not None
    assert not verdicts.distillation_helped.verdict


def test_scores_that_are_not_right_or_wrong_are_compared_by_the_bootstrap():
    right = small_gap(won=10, lost=0, recovered=4)
    halves = {name: one / 2 for name, one in right.items()}

    # The same four examples, and the same differences but for a factor.
    assert compare(halves).against[HARD_LABELS].p_value == pytest.approx(0.036, abs=0.005)


def test_a_gap_of_six_examples_and_none_lost_is_no_noise():
    right = answers(SHARES)
    right[TEACHER] = right[HARD_LABELS].copy()
    [wrong] = np.nonzero(~right[HARD_LABELS])
    right[TEACHER][wrong[:6]] = True

    recovered = compare(right).gap_recovered

    assert recovered is not None
    assert recovered.low is not None


@pytest.mark.parametrize(("student", "verdict"), [(0.9, True), (0.8, False), (0.7, False)])
def test_distillation_helped_where_the_student_is_significantly_better(student: float, verdict: bool):
    verdicts = compare(answers(SHARES | {STUDENT: student}))

    helped = verdicts.distillation_helped
    assert helped is not None
    assert helped.verdict is verdict
    assert helped.p_value == verdicts.against[HARD_LABELS].p_value
    assert (helped.p_value < 0.05) is (student != 0.8)


def test_a_gain_that_is_not_significant_is_no_help():
    right = answers(SHARES)
    right[STUDENT] = right[HARD_LABELS].copy()
    [wrong] = np.nonzero(~right[HARD_LABELS])
    right[STUDENT][wrong[:3]] = True

    helped = compare(right).distillation_helped

    assert helped is not None
    assert helped.p_value > 0.05
    assert not helped.verdict


def test_a_control_that_answers_alike_is_no_worse():
    right = answers(SHARES)
    right[HARD_LABELS] = right[STUDENT]

    verdicts = compare(right)

    # That they agree about all of these examples does not prove that they agree about all others.
    difference = verdicts.against[HARD_LABELS].difference
    assert difference.value == 0.0
    assert difference.low is not None
    assert difference.high == pytest.approx(-difference.low)
    assert 1 / EXAMPLES < difference.high < 4 / EXAMPLES
    assert verdicts.distillation_helped is not None
    assert verdicts.distillation_helped.p_value == 1.0


@pytest.mark.parametrize("missing", [(TEACHER,), (STUDENT,), MODELS])
def test_without_one_of_the_two_there_is_no_verdict(missing: tuple[str, ...]):
    assert compare(without(*missing)) == Verdicts()


def test_without_controls_the_student_is_still_compared_with_its_teacher():
    right = answers(SHARES)

    verdicts = compare(without(*CONTROLS))

    assert verdicts == Verdicts(against_teacher=compare(right).against_teacher)
    difference = float(right[STUDENT].mean() - right[TEACHER].mean())
    low = lower_bound(right[STUDENT].astype(float), right[TEACHER].astype(float))
    assert verdicts.against_teacher == NonInferiority(difference, low, EXAMPLES)


def test_the_bound_of_scores_that_are_no_answers_is_that_of_students_t():
    """Scores of the normal distribution: the paired test of Student is exact, and SciPy has its interval."""
    scores = np.random.default_rng(3).normal([0.0, 0.3], 1.0, [40, 2]).T

    found = compare(dict(zip((STUDENT, TEACHER), scores, strict=True))).against_teacher

    paired = stats.ttest_1samp(scores[0] - scores[1], 0, alternative="greater").confidence_interval(0.95)
    assert found is not None
    assert found.low is not None
    assert found.difference == pytest.approx((scores[0] - scores[1]).mean())
    assert found.difference - found.low == pytest.approx(found.difference - paired.low, rel=0.05)


def test_without_an_example_there_is_no_verdict():
    assert compare({name: np.zeros(0, bool) for name in MODELS}) == Verdicts()


def test_against_pseudo_labels_alone_nothing_is_said_about_hard_ones():
    verdicts = compare(without(HARD_LABELS))

    assert set(verdicts.against) == {PSEUDO_LABELS}
    assert verdicts.gap_recovered is None
    assert verdicts.distillation_helped is None


def test_without_pseudo_labels_the_rest_stands():
    verdicts = compare(without(PSEUDO_LABELS))

    assert set(verdicts.against) == {HARD_LABELS}
    assert verdicts.gap_recovered is not None
    assert verdicts.gap_recovered.low is not None


@pytest.mark.parametrize(("broken", "left"), [
    ((), set(CONTROLS)), ((HARD_LABELS,), {PSEUDO_LABELS}), (CONTROLS, set()), ((STUDENT,), set()),
])  # fmt: skip
def test_a_model_whose_logits_are_no_numbers_is_compared_with_none(broken: tuple[str, ...], left: set[str]):
    rows = [
        {
            "example_id": f"{number:03}",
            "split": "test",
            "model": model,
            "label": 0,
            "logits": [math.nan if model in broken and number == 5 else float(one), 0.5],
        }
        for model, right in answers(SHARES).items()
        for number, one in enumerate(right)
    ]

    table = pa.Table.from_pylist(rows, schema=tables.schema(classes()))

    verdicts = compare_answers(tables.answers(table, "test", classes()), classes().statistic)
    assert set(verdicts.against) == left
    assert verdicts == compare(without(*broken))


def test_intervals_cover_the_truth_19_times_of_20():
    many = answers(SHARES, seed=1, examples=2_000_000)
    truth = {name: float(one.mean()) for name, one in many.items()}
    gap = (truth[STUDENT] - truth[HARD_LABELS]) / (truth[TEACHER] - truth[HARD_LABELS])
    covered = []
    for seed in range(120):
        recovered = compare(answers(SHARES, seed)).gap_recovered
        assert recovered is not None
        assert recovered.low is not None
        assert recovered.high is not None
        covered.append(recovered.low <= gap <= recovered.high)

    assert 0.9 <= np.mean(covered) <= 0.99


def test_the_same_predictions_give_the_same_verdicts_and_survive_json():
    verdicts = compare(answers(SHARES))

    assert compare(answers(SHARES)) == verdicts
    assert from_json(Verdicts, to_json(verdicts)) == verdicts
