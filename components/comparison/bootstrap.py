"""The paired bootstrap over test examples, whatever their number and whatever a score is.

Comparing each model's own interval wastes what is known: all models answered the same examples, and mostly agree. So
examples are drawn anew with everything that was answered about them. Drawing them one by one takes examples x draws
numbers. But all that counts of an example are the scores of the models; so drawing how often each such pattern of
scores occurs, from a multinomial distribution, is the same and takes patterns x draws. Where models are right or wrong
there are few patterns. Where scores are any numbers nearly each example is a pattern of its own: those are drawn one
by one, and where they are very many the means are drawn from the normal distribution that they then have.

Efron (1979), "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 7(1). Bickel and Freedman
(1981), "Some Asymptotic Theory for the Bootstrap", The Annals of Statistics 9(6), for the normal limit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from report.verdicts import Interval

DRAWS = 20_000
# A draw of a pattern takes as long as those of some twenty examples.
FEW_PATTERNS = 1 << 9
# Beyond so many examples the error of the normal limit is below that of the draws.
MOST_EXAMPLES = 1 << 14
_NUMBERS_AT_ONCE = 1 << 22
Means = npt.NDArray[np.float64]


def draw_means(scores: npt.NDArray[np.float64], draws: int = DRAWS, seed: int = 0) -> Means:
    """Mean scores of models over test splits drawn with replacement, the same examples for all models.

    Args:
      scores: float64 `[models, examples]`: the score of each model for each example; at least one example.
      draws: how many splits, each of as many examples.
      seed: of the draws; the same figures come out for the same scores, in whatever order the examples come.

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
    examples, parts = scores.shape[1], []
    at_once = max(1, _NUMBERS_AT_ONCE // examples)
    for begin in range(0, draws, at_once):
        size = min(at_once, draws - begin)
        chosen = generator.integers(examples, size=[size, examples])
        places = chosen + examples * np.arange(size)[:, np.newaxis]
        times = np.bincount(places.ravel(), minlength=size * examples).reshape(size, examples)
        parts.append(scores @ times.T.astype(np.float64) / examples)
    return np.concatenate(parts, axis=1)


def interval(value: float, drawn: npt.NDArray[np.float64]) -> Interval:
    """A figure with the 2.5th and 97.5th percentile of its draws, float64 `[draws]`.

    Draws may be infinite; an end that falls among such draws is undefined.
    """
    with np.errstate(invalid="ignore"):
        low, high = (float(end) if np.isfinite(end) else None for end in np.percentile(drawn, [2.5, 97.5]))
    return Interval(value, low, high)


def p_value(drawn: npt.NDArray[np.float64]) -> float:
    """Two-sided p-value of the hypothesis that a difference is 0, from its draws, float64 `[draws]`.

    Twice the share of draws on the less likely side of 0, those at 0 counted on both. One draw is added to each side
    (Davison and Hinkley, 1997, section 4.2.3), so that it is never 0. Where models are right or wrong and hardly ever
    disagree it is too small, and `components.comparison.mcnemar` is exact.
    """
    side = 1 + min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return float(min(1.0, 2 * side / (len(drawn) + 1)))
