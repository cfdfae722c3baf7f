"""McNemar's exact test, for two models that are right or wrong on the same examples.

Only the examples count on which one model is right and the other is wrong. If the models are equally good, either wins
each of them with probability 1/2. The bootstrap draws from the disagreements that were observed. So if one model wins
all of four disagreements, it wins them in every draw, and p = 0.036. The binomial distribution gives 0.125.

McNemar (1947), "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12(2), with the binomial in place of the chi-squared distribution.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def applies(scores: npt.NDArray[np.float64]) -> bool:
    """Returns whether each score in `[examples]` is 0 or 1. The test would use only the signs of other scores."""
    return bool(np.isin(scores, (0, 1)).all())


def p_value(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Returns the two-sided p-value of the hypothesis that either model wins a disagreement with probability 1/2.

    Args:
      one: `[examples]`: 1 for each example on which the model is right, otherwise 0.
      other: the same for the other model, in the same order.

    Returns:
      Twice the probability of at most as many wins as the model with fewer wins has; at most 1. It is above 0 for up to
      some thousand disagreements that one model wins alone. Beyond that, floats cannot represent it.
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
