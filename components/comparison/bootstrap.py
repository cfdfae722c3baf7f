"""The paired bootstrap over test examples, whatever their number.

Comparing each model's own interval wastes what is known: all models answered the same examples, and mostly agree. So
examples are drawn anew with everything that was answered about them. Drawing them one by one takes examples x draws
numbers; but all that counts of an example is which models were right about it, so drawing how often each such pattern
occurs, from a multinomial distribution, is the same and takes patterns x draws.

Efron (1979), "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 7(1).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from report.verdicts import Interval

DRAWS = 20_000
Accuracies = npt.NDArray[np.float64]


def draw_accuracies(right: npt.NDArray[np.bool_], draws: int = DRAWS, seed: int = 0) -> Accuracies:
    """Accuracies of models over test splits drawn with replacement, the same examples for all models.

    Args:
      right: bool `[models, examples]`: which examples each model predicts right; at least one example.
      draws: how many splits, each of as many examples.
      seed: of the draws; the same figures come out for the same predictions.

    Returns:
      float64 `[models, draws]`.
    """
    patterns, counts = np.unique(right, axis=1, return_counts=True)
    examples = right.shape[1]
    drawn = np.random.default_rng(seed).multinomial(examples, counts / examples, size=draws)
    return np.asarray(patterns.astype(np.float64) @ drawn.T / examples)


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
