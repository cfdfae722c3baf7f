"""The paired bootstrap over test examples, whatever their number and whatever a score is.

Comparing each model's own interval wastes what is known: all models answered the same examples, and mostly agree. So
examples are drawn anew with everything that was answered about them. Drawing them one by one takes examples x draws
numbers; but all that counts of an example are the scores of the models, so drawing how often each such pattern of
scores occurs, from a multinomial distribution, is the same and takes patterns x draws. Where models are right or wrong
there are few patterns. Where scores are any numbers each example is a pattern; with very many of them the means of the
draws are normally distributed, and are drawn as such.

Efron (1979), "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 7(1). Bickel and Freedman
(1981), "Some Asymptotic Theory for the Bootstrap", The Annals of Statistics 9(6), for the normal limit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from report.verdicts import Interval

DRAWS = 20_000
# Beyond so many patterns the error of the normal limit is below that of the draws.
MOST_PATTERNS = 1 << 14
_NUMBERS_AT_ONCE = 1 << 24
Means = npt.NDArray[np.float64]


def draw_means(
    scores: npt.NDArray[np.float64], draws: int = DRAWS, seed: int = 0, most_patterns: int = MOST_PATTERNS
) -> Means:
    """Mean scores of models over test splits drawn with replacement, the same examples for all models.

    Args:
      scores: float64 `[models, examples]`: the score of each model for each example; at least one example.
      draws: how many splits, each of as many examples.
      seed: of the draws; the same figures come out for the same scores, in whatever order the examples come.
      most_patterns: with more different columns the normal limit takes the place of the multinomial distribution.

    Returns:
      float64 `[models, draws]`.
    """
    patterns, counts = np.unique(scores, axis=1, return_counts=True)
    patterns, examples = patterns.astype(np.float64), scores.shape[1]
    generator, shares = np.random.default_rng(seed), counts / examples
    if len(counts) > most_patterns:
        covariance = np.atleast_2d(np.cov(patterns, ddof=0, fweights=counts)) / examples
        drawn = generator.multivariate_normal(patterns @ shares, covariance, size=draws, method="eigh")
        return np.ascontiguousarray(drawn.T)
    at_once = max(1, _NUMBERS_AT_ONCE // len(counts))
    parts = [
        patterns @ generator.multinomial(examples, shares, size=min(at_once, draws - begin)).T / examples
        for begin in range(0, draws, at_once)
    ]
    return np.concatenate(parts, axis=1)


def interval(value: float, drawn: npt.NDArray[np.float64]) -> Interval:
    """A figure with the 2.5th and 97.5th percentile of its draws, float64 `[draws]`."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(value, float(low), float(high))


def p_value(drawn: npt.NDArray[np.float64]) -> float:
    """Two-sided p-value of the hypothesis that a difference is 0, from its draws, float64 `[draws]`.

    Twice the share of draws on the less likely side of 0, those at 0 counted on both. One draw is added to each side
    (Davison and Hinkley, 1997, section 4.2.3), so that it is never 0.
    """
    side = 1 + min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return float(min(1.0, 2 * side / (len(drawn) + 1)))
