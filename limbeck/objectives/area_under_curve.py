"""The area under the ROC curve (AUC): how often a model ranks a positive example above a negative one.

The area is not a mean over examples, but a mean over pairs of a positive and a negative example, where a tie counts one
half (Hanley and McNeil, 1982, "The meaning and use of the area under a receiver operating characteristic curve",
Radiology 143). All pairs of a large test split would not fit in memory. So its area is computed from sorted scores. For
the thousands of draws of a bootstrap, sorting and summing again is the slow way: there, a matrix holds who wins each
pair, and a draw is two products with it.

The influence of an example is DeLong's structural component: for a positive example, the share of negative ones below
it (DeLong, DeLong and Clarke-Pearson, 1988, "Comparing the areas under two or more correlated receiver operating
characteristic curves", Biometrics 44).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limbeck.objectives.statistic import Counted, Statistic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from limbeck.objectives.statistic import Array


class AreaUnderCurve(Statistic):
    """The AUC of a single output. It is NaN if no example is positive, or none negative."""

    def value(self, outputs: Array, labels: Any) -> float:
        """Returns the area, within 0 and 1."""
        return area(outputs[:, 0], labels == 1)

    def counted(self, outputs: Array, labels: Any) -> Counted:
        """Returns the area as a function of counts; `labels` are 0 or 1, `[examples]`.

        It takes the memory of all pairs of a positive and a negative example, 4 bytes each.
        """
        return counted_area(outputs[:, 0], labels == 1)

    def influence(self, outputs: Array, labels: Any) -> Array:
        """Returns DeLong's structural components, scaled to a mean over all examples; zeros if the area is NaN."""
        return area_influence(outputs[:, 0], labels == 1)


def area(scores: Array, positive: npt.NDArray[np.bool_]) -> float:
    """Returns the area; NaN if no example is positive, or none negative.

    Args:
      scores: float64 `[examples]`; higher speaks for positive.
      positive: bool `[examples]`.
    """
    import numpy as np

    low = np.sort(scores[~positive])
    return float(_share_below(low, scores[positive]).mean()) if len(low) and positive.any() else float("nan")


def counted_area(scores: Array, positive: npt.NDArray[np.bool_]) -> Counted:
    """Returns the area as a function of how often each example counts; arguments are as for `area`."""
    import numpy as np

    high, low = np.flatnonzero(positive), np.flatnonzero(~positive)
    apart = scores[high][np.newaxis, :] - scores[low][:, np.newaxis]
    # Whole and half numbers below 2^23, so float32 is exact, and twice as fast.
    won_by_high = ((np.sign(apart) + 1) / 2).astype(np.float32)

    def counted(counts: Array) -> Array:
        positives, negatives = counts[:, high], counts[:, low]
        below = negatives.astype(np.float32) @ won_by_high
        won = np.einsum("ij,ij->i", positives, below, dtype=np.float64)
        pairs = positives.sum(axis=1) * negatives.sum(axis=1)
        return np.divide(won, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)

    return counted


def area_influence(scores: Array, positive: npt.NDArray[np.bool_]) -> Array:
    """Returns the influence of each example on the area; arguments are as for `area`."""
    import numpy as np

    examples, found = len(scores), np.zeros(len(scores))
    high, low = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(high) or not len(low):
        return found
    below, above = _share_below(low, scores[positive]), 1 - _share_below(high, scores[~positive])
    mean = below.mean()
    found[positive] = (below - mean) * examples / len(high)
    found[~positive] = (above - mean) * examples / len(low)
    return found


def _share_below(ascending: Array, values: Array) -> Array:
    """Returns for each value the share of `ascending` below it; equal ones count one half."""
    import numpy as np

    first, end = np.searchsorted(ascending, values, "left"), np.searchsorted(ascending, values, "right")
    return np.asarray((first + end) / (2 * len(ascending)))
