"""The interval of a difference of two paired proportions: two models that are right or wrong on the same examples.

The bootstrap draws from the disagreements that were observed. If one model wins all of four disagreements, it wins them
in every draw, so the interval excludes 0, and McNemar's exact test says p = 0.125. If two models never disagree, every
draw has the difference 0, and the interval is a point. Bonett and Price add one example to each kind of disagreement
before they take the interval of Wald. It then covers the true difference in 95 of 100 test splits, even if there are
few disagreements.

Bonett and Price (2012), "Adjusted Wald confidence interval for a difference of binomial proportions based on paired
data", Journal of Educational and Behavioral Statistics 37(4).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from limbeck.report.verdicts import SIGNIFICANCE, Interval

# The 97.5th percentile of the normal distribution.
_QUANTILE = 1.959963984540054


def difference(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> Interval:
    """Returns the difference of two proportions with its adjusted 95 % interval, within -1 and 1.

    Args:
      one: `[examples]`: 1 for each example on which the model is right, otherwise 0; at least one example.
      other: the same for the other model, in the same order.
    """
    wins, losses, examples = np.count_nonzero(one > other), np.count_nonzero(one < other), len(one)
    won, lost = (wins + 1) / (examples + 2), (losses + 1) / (examples + 2)
    centre = won - lost
    reach = _QUANTILE * math.sqrt((won + lost - centre**2) / (examples + 2))
    return Interval(
        float(np.mean(one) - np.mean(other)), max(-1.0, float(centre - reach)), min(1.0, float(centre + reach))
    )


def agreeing(found: Interval, p_value: float) -> Interval:
    """Returns the interval, widened to 0 if the test of the hypothesis that the figure is 0 does not reject it.

    The exact test and the interval may contradict each other. Then a report would say that chance may explain a
    difference, and show an interval that excludes 0. A wider interval contains the true value at least as often.
    """
    if p_value < SIGNIFICANCE:
        return found
    low = None if found.low is None else min(found.low, 0.0)
    high = None if found.high is None else max(found.high, 0.0)
    return Interval(found.value, low, high)
