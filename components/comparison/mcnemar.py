"""The exact test of McNemar, for two models that are right or wrong about the same examples.

Only the examples count about which one model is right and the other is not: where the models are equally good, each of
those is won by either with probability 1/2. The bootstrap draws from the disagreements that were seen, so four of them,
all won by one model, are won by it in every draw; it gives p = 0.036 where the binomial distribution gives 0.125.

McNemar (1947), "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12(2), with the binomial in place of the chi-squared distribution.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def applies(scores: npt.NDArray[np.float64]) -> bool:
    """Whether each score of an example, `[examples]`, is 0 or 1. Of others the test would see the signs alone."""
    return bool(np.isin(scores, (0, 1)).all())


def p_value(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Two-sided p-value of the hypothesis that either model wins a disagreement with probability 1/2.

    Args:
      one: of each example 1 where the model is right, otherwise 0: `[examples]`.
      other: the same for the other model, in the same order.

    Returns:
      Twice the probability of as few wins as the model has that wins less, at most 1. Above 0 up to some thousand
      disagreements that one model wins alone, beyond which a float has no such number.
    """
    wins, losses = int(np.count_nonzero(one > other)), int(np.count_nonzero(one < other))
    fewer, trials = min(wins, losses), wins + losses
    if 2 * fewer == trials:
        return 1.0
    # C(n, k) + C(n, k - 1) + ... + C(n, 0) = C(n, k) * (1 + k / (n - k + 1) * (1 + (k - 1) / (n - k + 2) * ...)).
    below = np.arange(fewer, 0, -1, dtype=np.float64)
    ratios = np.cumprod(below / (trials - below + 1))
    greatest = math.lgamma(trials + 1) - math.lgamma(fewer + 1) - math.lgamma(trials - fewer + 1)
    return min(1.0, 2 * math.exp(greatest - trials * math.log(2)) * (1 + float(ratios.sum())))
