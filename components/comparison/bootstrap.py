"""The paired bootstrap over test examples, for any number of examples and any kind of score.

A comparison of separate intervals for each model would waste information: all models answered the same examples, and
mostly agree. So examples are drawn together with the answers of all models. Drawing them one by one takes examples x
draws numbers. But only the models' scores of an example matter. So it is equivalent to draw how often each pattern of
scores occurs, from a multinomial distribution, and this takes patterns x draws numbers. If answers are right or wrong,
there are few patterns. If scores are arbitrary numbers, nearly every example has its own pattern, and examples are
drawn one by one. If there are very many examples, the means are drawn from their limiting normal distribution.

Not every measure is a mean of scores (`limbeck.objectives.statistic`). For other measures, each draw says how often
each example counts, and the statistic of each model is computed from these counts. With many examples, a statistic is
nearly its value plus the mean influence of the drawn examples. So with many examples, the means of the influences are
drawn.

Efron (1979), "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 7(1). Bickel and Freedman
(1981), "Some Asymptotic Theory for the Bootstrap", The Annals of Statistics 9(6), for the normal limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from limbeck.components.comparison import students_t
from limbeck.components.comparison.answers import Answers
from limbeck.objectives.statistic import Statistic
from limbeck.report.verdicts import Interval

DRAWS = 20_000
# A statistic that is not a mean takes a pass over all examples for each draw and model.
DRAWS_OF_EXAMPLES = 5_000
# Drawing one pattern takes as long as drawing about twenty examples.
FEW_PATTERNS = 1 << 9
# With more examples, the error of the normal limit is smaller than the error of the draws.
MOST_EXAMPLES = 1 << 14
MOST_EXAMPLES_OF_A_STATISTIC = 1 << 11
_NUMBERS_AT_ONCE = 1 << 22
# Draws of one or two examples say nothing about other test splits.
_FEWEST_EXAMPLES = 3
Means = npt.NDArray[np.float64]


def draw(answers: Answers, statistic: Statistic, seed: int = 0) -> dict[str, Means]:
    """Returns the statistic of each model over test splits drawn with replacement. All models get the same examples.

    Args:
      answers: the answers of at least one model to at least one example.
      statistic: what is computed for each model.
      seed: seed of the draws. Equal answers give equal results, in any order of the examples.

    Returns:
      float64 `[draws]` by model. It is NaN for a draw that does not define the statistic.
    """
    outputs, labels = list(answers.outputs.values()), answers.labels
    scores = [statistic.scores(one, labels) for one in outputs]
    known = [one for one in scores if one is not None]
    if len(known) == len(scores):
        drawn = draw_means(np.stack(known), seed=seed)
    elif len(labels) > MOST_EXAMPLES_OF_A_STATISTIC:
        moved = np.stack([statistic.influence(one, labels) for one in outputs])
        values = np.array([statistic.value(one, labels) for one in outputs])
        drawn = values[:, np.newaxis] + draw_means(moved, seed=seed)
    else:
        drawn = _draw_examples(outputs, labels, statistic, seed)
    return dict(zip(answers.outputs, drawn, strict=True))


def _draw_examples(
    outputs: list[npt.NDArray[np.float64]], labels: npt.NDArray[np.generic], statistic: Statistic, seed: int
) -> Means:
    # Sorted, so that the draws do not depend on the order of the examples.
    columns = np.concatenate([labels.reshape(len(labels), -1), *outputs], axis=1)
    order = np.lexsort(columns.T[::-1])
    counted = [statistic.counted(one[order], labels[order]) for one in outputs]
    generator, parts = np.random.default_rng(seed), []
    for times in _times(len(labels), DRAWS_OF_EXAMPLES, generator):
        parts.append(np.stack([of(times) for of in counted]))
    return np.concatenate(parts, axis=1)


def draw_means(scores: npt.NDArray[np.float64], draws: int = DRAWS, seed: int = 0) -> Means:
    """Returns mean scores of models over test splits drawn with replacement. All models get the same examples.

    Args:
      scores: float64 `[models, examples]`: the score of each model for each example; at least one example.
      draws: number of drawn splits, each with as many examples as there are.
      seed: seed of the draws. Equal scores give equal results, in any order of the examples.

    Returns:
      float64 `[models, draws]`.
    """
    patterns, counts = np.unique(scores, axis=1, return_counts=True)
    patterns, generator = patterns.astype(np.float64), np.random.default_rng(seed)
    if len(counts) <= FEW_PATTERNS:
        drawn = generator.multinomial(counts.sum(), counts / counts.sum(), size=draws)
        return np.asarray(patterns @ drawn.T / counts.sum())
    if counts.sum() <= MOST_EXAMPLES:
        return _one_by_one(np.repeat(patterns, counts, axis=1), draws, generator)
    covariance = np.cov(patterns, ddof=0, fweights=counts).reshape(len(patterns), -1) / counts.sum()
    means = patterns @ (counts / counts.sum())
    return np.ascontiguousarray(generator.multivariate_normal(means, covariance, size=draws, method="eigh").T)


def _one_by_one(scores: npt.NDArray[np.float64], draws: int, generator: np.random.Generator) -> Means:
    examples = scores.shape[1]
    return np.concatenate([scores @ times.T / examples for times in _times(examples, draws, generator)], axis=1)


def _times(examples: int, draws: int, generator: np.random.Generator) -> Iterator[npt.NDArray[np.float64]]:
    """Yields how often each example is drawn, float64 `[some draws, examples]`, until all draws are done."""
    at_once = max(1, _NUMBERS_AT_ONCE // examples)
    for begin in range(0, draws, at_once):
        size = min(at_once, draws - begin)
        chosen = generator.integers(examples, size=[size, examples])
        places = chosen + examples * np.arange(size)[:, np.newaxis]
        times = np.bincount(places.ravel(), minlength=size * examples).reshape(size, examples)
        yield times.astype(np.float64)


def interval(value: float, drawn: npt.NDArray[np.float64]) -> Interval:
    """Returns a figure with the 2.5th and 97.5th percentile of its draws, float64 `[draws]`.

    A draw without a figure is NaN. It could stand for any figure, so it counts below the low end and above the high
    end. If such draws were left out, the interval would describe only the lucky draws. An end that falls among them is
    undefined.
    """
    unknown = np.isnan(drawn)
    with np.errstate(invalid="ignore"):
        low = float(np.percentile(np.where(unknown, -np.inf, drawn), 2.5))
        high = float(np.percentile(np.where(unknown, np.inf, drawn), 97.5))
    return Interval(value, *(end if np.isfinite(end) else None for end in (low, high)))


def lower_end(drawn: npt.NDArray[np.float64], examples: int) -> float | None:
    """Returns the lower end of a one-sided 95 % interval from the draws of a figure, float64 `[draws]`.

    A draw without a figure (NaN) counts below the end. The result is None if the end falls among such draws, or if
    there are fewer than three examples. Draws of few examples vary less than test splits do. So the percentile is not
    the 5th, but the one where an interval of Student's t would end (Hesterberg, 2015, "What Teachers Should Know About
    the Bootstrap", The American Statistician 69(4)): the 3.8th for 20 examples, the 4.8th for 100.

    Args:
      drawn: the draws.
      examples: the number of examples of each draw.
    """
    if examples < _FEWEST_EXAMPLES:
        return None
    longer = students_t.quantile(0.95, examples - 1) * math.sqrt(examples / (examples - 1))
    level = math.erfc(longer / math.sqrt(2)) / 2
    with np.errstate(invalid="ignore"):
        low = float(np.percentile(np.where(np.isnan(drawn), -np.inf, drawn), 100 * level))
    return low if np.isfinite(low) else None


def p_value(drawn: npt.NDArray[np.float64]) -> float:
    """Returns the two-sided p-value of the hypothesis that a difference is 0, from its draws, float64 `[draws]`.

    It is twice the share of draws on the less likely side of 0; draws at 0 count on both sides, and so do draws without
    a difference (NaN). One draw is added to each side (Davison and Hinkley, 1997, section 4.2.3), so that the p-value
    is never 0. If models are right or wrong and hardly ever disagree, it is too small;
    `limbeck.components.comparison.mcnemar` is exact.
    """
    side = 1 + min(np.count_nonzero(~(drawn > 0)), np.count_nonzero(~(drawn < 0)))
    return float(min(1.0, 2 * side / (len(drawn) + 1)))
