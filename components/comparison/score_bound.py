"""The lower bound of a difference of two paired proportions: how much worse may a model be than another one?

A gate asks whether the student is worse than its teacher by less than a tolerance. So its test is at the difference
-tolerance, and not at 0, and it has one side. With the interval of Bonett and Price
(`limbeck.components.comparison.proportions`), which adds an example to each kind of disagreement, too many students
would pass such a test. For example, over 360 examples and if the student never wins, 8.6 % of the students that are 5
points worse pass instead of 5 %. Tango's score test uses the variance that the examples would have if the difference
were -tolerance. With it, at most 5.8 % pass for all numbers of examples, tolerances and disagreements in
`tests/components/comparison/test_score_bound.py`.

Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
Statistics in Medicine 17(8). Fagerland, Lydersen and Laake (2014), "Recommended tests and confidence intervals for
paired binomial proportions", Statistics in Medicine 33(16), compare it with others.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from limbeck.report.verdicts import ONE_SIDED_QUANTILE

_HALVINGS = 60


def lower_bound(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Returns the smallest difference that a one-sided score test at the level 5 % does not reject.

    Args:
      one: `[examples]`: 1 for each example on which the model is right, otherwise 0; at least one example.
      other: the same for the other model, in the same order.

    Returns:
      A lower bound of the proportion of `one` minus the proportion of `other`, from -1 up to the observed difference.
    """
    wins, losses, examples = int(np.count_nonzero(one > other)), int(np.count_nonzero(one < other)), len(one)
    # The statistic falls from its value at -1, the smallest difference, to 0 at the observed difference.
    rejected, kept = -1.0, (wins - losses) / examples
    for _ in range(_HALVINGS):
        middle = (rejected + kept) / 2
        if statistic(wins, losses, examples, middle) > ONE_SIDED_QUANTILE:
            rejected = middle
        else:
            kept = middle
    return kept


def statistic(wins: int, losses: int, examples: int, difference: float) -> float:
    """Returns the score statistic of the hypothesis that the true difference is `difference`, from -1 to 1.

    If the hypothesis is true, it is nearly standard normal for many examples. It is large if the true difference is
    larger.
    """
    linear = (2 * examples - wins + losses) * difference - wins - losses
    constant = -losses * difference * (1 - difference)
    # The maximum likelihood estimate of the probability of a loss, if a win is more probable by `difference`.
    lost = (math.sqrt(max(linear**2 - 8 * examples * constant, 0.0)) - linear) / (4 * examples)
    variance = examples * (2 * lost + difference * (1 - difference))
    distance = wins - losses - examples * difference
    if variance > 0:
        return distance / math.sqrt(variance)
    return math.copysign(math.inf, distance) if distance else 0.0
