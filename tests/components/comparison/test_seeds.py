"""Several pairs of models: an analysis of variance by hand, and by coverage over seeds and examples."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from limbeck.components.comparison.answers import Answers
from limbeck.components.comparison.seeds import compare_seeds, crossed
from limbeck.models import HARD_LABELS, PSEUDO_LABELS, STUDENT, TEACHER
from limbeck.objectives.area_under_curve import AreaUnderCurve
from limbeck.objectives.statistic import MeanScore

Array = npt.NDArray[np.float64]
FIRST = MeanScore(lambda outputs, _: outputs[:, 0])


def layout(generator: np.random.Generator, seeds: int, examples: int, by_seed: float, by_example: float) -> Array:
    """Differences with effects of seeds and examples, and a rest of 1, around 0.3."""
    of_seeds, of_examples = generator.normal(0, by_seed, [seeds, 1]), generator.normal(0, by_example, examples)
    return np.asarray(0.3 + of_seeds + of_examples + generator.normal(0, 1, [seeds, examples]))


@pytest.mark.parametrize("seeds", [2, 4])
def test_each_part_of_the_variance_has_its_own_t(seeds: int):
    found = layout(np.random.default_rng(0), seeds, 50, 0.2, 0.5)
    # Each cell beside the mean of its row, of its column, and of all.
    rows, columns = found.mean(axis=1, keepdims=True), found.mean(axis=0, keepdims=True)
    by_seed, by_example = 50 * rows.var(ddof=1), seeds * columns.var(ddof=1)
    rest = ((found - rows - columns + found.mean()) ** 2).sum() / ((seeds - 1) * 49)
    parts = np.array([max(by_seed, rest), by_example - rest]) / found.size

    def reach(level: float) -> float:
        return float(np.sqrt((parts * stats.t.ppf(1 - level / 2, [seeds - 1, 49]) ** 2).sum()))

    comparison = crossed(found)

    assert comparison.difference.value == pytest.approx(found.mean())
    assert comparison.difference.low == pytest.approx(found.mean() - reach(0.05), rel=2e-3)
    assert comparison.difference.high == pytest.approx(found.mean() + reach(0.05), rel=2e-3)
    assert reach(comparison.p_value) == pytest.approx(found.mean(), rel=2e-3)


@pytest.mark.parametrize(("seeds", "examples", "by_seed", "by_example"), [
    (3, 100, 0.3, 0.5), (5, 100, 0.3, 0.5), (5, 400, 0.02, 0.3), (2, 60, 0.1, 1.0), (10, 60, 0.5, 0.0),
])  # fmt: skip
def test_the_interval_covers_the_mean_over_seeds_and_examples(
    seeds: int, examples: int, by_seed: float, by_example: float
):
    generator = np.random.default_rng(1)
    covered, alone = [], []
    for _ in range(400):
        drawn = layout(generator, seeds, examples, by_seed, by_example)
        found = crossed(drawn).difference
        assert found.low is not None
        assert found.high is not None
        covered.append(found.low <= 0.3 <= found.high)
        # With the examples alone, as if the seeds were all that there are.
        reach = 1.96 * drawn.mean(axis=0).std() / np.sqrt(examples)
        alone.append(abs(drawn.mean() - 0.3) <= reach)

    # 400 layouts: two standard errors below 0.95.
    assert 0.928 <= np.mean(covered) <= 1.0
    if by_seed > 0.1:
        assert np.mean(alone) < 0.8


def test_models_that_are_right_or_wrong_have_an_interval_that_is_no_point():
    """All pairs agree on all examples: another example may divide them. The addition vanishes in many examples."""
    same = crossed(np.zeros([3, 20]), right_or_wrong=True)
    assert (same.difference.value, same.p_value) == (0.0, 1.0)
    assert same.difference.low is not None
    assert same.difference.low < -0.05
    assert crossed(np.zeros([3, 20])).difference.low == 0.0

    many = np.random.default_rng(0).integers(-1, 2, [4, 5_000]).astype(np.float64)
    with_them, without = crossed(many, right_or_wrong=True), crossed(many)
    assert with_them.difference.value == without.difference.value
    assert with_them.p_value == pytest.approx(without.p_value, rel=0.05)


def test_differences_are_those_of_each_seed_in_their_order():
    generator = np.random.default_rng(2)
    names = (TEACHER, STUDENT, HARD_LABELS, PSEUDO_LABELS)
    answers = Answers(np.zeros(80), {name: generator.normal(size=[80, 1]) for name in names})
    further = {name: [generator.normal(size=[80, 1]) for _ in range(2)] for name in names[1:]}

    found = compare_seeds(answers, further, FIRST)

    assert found is not None
    assert (found.seeds, set(found.against)) == (3, {HARD_LABELS, PSEUDO_LABELS})
    for control in (HARD_LABELS, PSEUDO_LABELS):
        mine = [answers.outputs[STUDENT], *further[STUDENT]]
        theirs = [answers.outputs[control], *further[control]]
        expected = [float((one - other).mean()) for one, other in zip(mine, theirs, strict=True)]
        assert found.differences[control] == pytest.approx(expected)
        assert found.against[control].difference.value == pytest.approx(np.mean(expected))


def test_areas_take_part_by_their_influence():
    generator = np.random.default_rng(3)
    labels = (generator.random(300) < 0.3).astype(np.int64)

    def outputs(lift: float) -> Array:
        return np.asarray(lift * labels + generator.normal(size=300))[:, np.newaxis]

    answers = Answers(labels, {STUDENT: outputs(1.5), HARD_LABELS: outputs(1.0)})
    further = {STUDENT: [outputs(1.5) for _ in range(3)], HARD_LABELS: [outputs(1.0) for _ in range(3)]}

    found = compare_seeds(answers, further, AreaUnderCurve())

    areas = {
        name: [roc_auc_score(labels, one[:, 0]) for one in (answers.outputs[name], *further[name])]
        for name in further
    }
    expected = np.subtract(areas[STUDENT], areas[HARD_LABELS])
    assert found is not None
    assert found.differences[HARD_LABELS] == pytest.approx(expected.tolist())
    assert found.against[HARD_LABELS].difference.value == pytest.approx(expected.mean())


def test_without_further_seeds_or_with_a_model_that_broke_nothing_is_said():
    answers = Answers(np.zeros(9), {name: np.ones([9, 1]) for name in (TEACHER, STUDENT, HARD_LABELS)})
    whole = {name: [np.ones([9, 1])] for name in (STUDENT, HARD_LABELS)}

    assert compare_seeds(answers, {}, FIRST) is None
    assert compare_seeds(answers, {STUDENT: [], HARD_LABELS: []}, FIRST) is None
    assert compare_seeds(answers, whole | {STUDENT: [np.full([9, 1], np.nan)]}, FIRST) is None
    assert compare_seeds(Answers(answers.labels, {HARD_LABELS: np.ones([9, 1])}), whole, FIRST) is None
    assert compare_seeds(answers, whole, FIRST) is not None
