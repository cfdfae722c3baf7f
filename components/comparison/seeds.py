"""Compares several pairs of models, each trained with its own seed, on the same examples.

A difference between two trained models depends on the test examples, and on the seed that both were trained with. An
interval over test examples is valid for one pair of models only. An interval for the mean over seeds that only has the
variation of the examples is wrong, too, because the pairs differ. And the combinations of seeds and examples are not
independent trials. So seeds and examples are two crossed random effects: difference = mean + seed + example + rest. The
variance of the mean has a part for the seeds and a part for the examples, and each part has its own degrees of freedom
for Student's t. Satterthwaite's degrees of freedom are the usual way, but for 3 seeds that differ much, their intervals
cover the true value in only 91 of 100 cases.

A measure that is not a mean of scores is replaced by its linearisation: value + influence of each example.

Clark (1973), "The language-as-fixed-effect fallacy", Journal of Verbal Learning and Verbal Behavior 12(4), for means
over two such effects. Banerjee (1960), "Approximate confidence interval for linear functions of means of k populations
when the population variances are not equal", Sankhya 22, for the sum of parts: it covers the truth at least as often as
promised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from limbeck.components.comparison import mcnemar, students_t
from limbeck.components.comparison.answers import Answers
from limbeck.models import CONTROLS, STUDENT
from limbeck.objectives.statistic import Statistic
from limbeck.report.verdicts import SIGNIFICANCE, AcrossSeeds, Comparison, Interval

Outputs = npt.NDArray[np.float64]
_FEWEST = 2
_HALVINGS = 40


def compare_seeds(
    answers: Answers, further: Mapping[str, Sequence[Outputs]], statistic: Statistic
) -> AcrossSeeds | None:
    """Compares the student with its controls over all seeds.

    Args:
      answers: the answers of the models of the first seed.
      further: the outputs of each model of the other seeds, float64 `[examples, outputs]`, by the model's name, in the
        order of the seeds and of the examples of `answers`.
      statistic: the figure that is compared; higher is better.

    Returns:
      None if there is no second seed of the student and a control, fewer than two examples, or no finite figure.
    """
    controls = [name for name in CONTROLS if name in answers.outputs and name in further]
    if STUDENT not in answers.outputs or STUDENT not in further or not controls or len(answers.labels) < _FEWEST:
        return None
    if not further[STUDENT]:
        return None
    against, differences = {}, {}
    mine = _effects(STUDENT, answers, further, statistic)
    for control in controls:
        theirs = _effects(control, answers, further, statistic)
        if mine is None or theirs is None or mine.shape != theirs.shape:
            return None
        apart = mine - theirs
        both = np.concatenate([mine, theirs])
        differences[control] = tuple(float(one) for one in apart.mean(axis=1))
        against[control] = crossed(apart, right_or_wrong=mcnemar.applies(both))
    return AcrossSeeds(len(further[STUDENT]) + 1, against, differences)


def _effects(
    name: str, answers: Answers, further: Mapping[str, Sequence[Outputs]], statistic: Statistic
) -> npt.NDArray[np.float64] | None:
    """Returns float64 `[seeds, examples]`. The mean of a row over the examples is the figure of that seed."""
    found = []
    for outputs in (answers.outputs[name], *further[name]):
        if not np.isfinite(outputs).all():
            return None
        value, scores = statistic.value(outputs, answers.labels), statistic.scores(outputs, answers.labels)
        if not math.isfinite(value):
            return None
        found.append(scores if scores is not None else value + statistic.influence(outputs, answers.labels))
    return np.stack(found).astype(np.float64)


def crossed(differences: npt.NDArray[np.float64], *, right_or_wrong: bool = False) -> Comparison:
    """Returns the mean difference with its 95 % interval and two-sided p-value, for other seeds and other examples.

    Args:
      differences: float64 `[seeds, examples]`, at least two of each.
      right_or_wrong: whether each difference is one of -1, 0 and 1. Then an example that all pairs win and one that all
        lose are added before interval and p-value are computed, as Bonett and Price do for one pair
        (`limbeck.components.comparison.proportions`).
    """
    value = float(differences.mean())
    if right_or_wrong:
        ends = np.tile([1.0, -1.0], (len(differences), 1))
        differences = np.concatenate([differences, ends], axis=1)
    seeds, examples = differences.shape
    centre = float(differences.mean())
    of_seeds, of_examples = differences.mean(axis=1) - centre, differences.mean(axis=0) - centre
    rest = differences - centre - of_seeds[:, np.newaxis] - of_examples
    # Mean squares of a two-way layout.
    by_seed = examples * float((of_seeds**2).sum()) / (seeds - 1)
    by_example = seeds * float((of_examples**2).sum()) / (examples - 1)
    remaining = float((rest**2).sum()) / ((seeds - 1) * (examples - 1))
    # The first two mean squares each estimate a variance plus the variance of the rest. So `by_seed` cannot be below
    # `remaining`. The part of the examples must not contain `remaining` once more.
    parts = (
        (max(by_seed, remaining) / differences.size, seeds - 1),
        (max(by_example - remaining, 0.0) / differences.size, examples - 1),
    )

    def reach(level: float) -> float:
        return math.sqrt(sum(part * students_t.quantile(1 - level / 2, free) ** 2 for part, free in parts))

    long = reach(SIGNIFICANCE)
    return Comparison(Interval(value, centre - long, centre + long), _level_of(reach, abs(centre)))


def _level_of(reach: Callable[[float], float], distance: float) -> float:
    """Returns the p-value: the level at which an interval just reaches 0, at a `distance` from its centre."""
    excluded, reached = 1.0, 0.0
    if reach(excluded) >= distance:
        return 1.0
    for _ in range(_HALVINGS):
        middle = (excluded + reached) / 2
        if reach(middle) < distance:
            excluded = middle
        else:
            reached = middle
    return excluded
