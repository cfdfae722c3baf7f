"""The area under the ROC curve (AUC): how often a model puts a positive example above a negative one.

The area is no mean over examples, but one over pairs of a positive and a negative example, where a tie counts one half
(Hanley and McNeil, 1982, "The meaning and use of the area under a receiver operating characteristic curve", Radiology
143). All pairs of a large test split would not fit in memory. So the examples are sorted once, and pairs are counted by
running sums.

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
        import numpy as np

        return float(self.counted(outputs, labels)(np.ones([1, len(labels)]))[0])

    def counted(self, outputs: Array, labels: Any) -> Counted:
        """Returns the area as a function of counts; `labels` are 0 or 1, `[examples]`."""
        return counted_area(outputs[:, 0], labels == 1)

    def influence(self, outputs: Array, labels: Any) -> Array:
        """Returns DeLong's structural components, scaled to a mean over all examples; zeros if the area is NaN."""
        return area_influence(outputs[:, 0], labels == 1)


def counted_area(scores: Array, positive: npt.NDArray[np.bool_]) -> Counted:
    """Returns the area as a function of how often each example counts.

    Args:
      scores: float64 `[examples]`; higher speaks for positive.
      positive: bool `[examples]`.
    """
    import numpy as np

    order = np.argsort(scores, kind="stable")
    _, firsts = np.unique(scores[order], return_index=True)
    right = positive[order]

    def area(counts: Array) -> Array:
        ordered = counts[:, order]
        # A sum for each distinct score, because within one all pairs are ties.
        positives = np.add.reduceat(ordered * right, firsts, axis=1)
        negatives = np.add.reduceat(ordered * ~right, firsts, axis=1)
        below = np.cumsum(negatives, axis=1)
        won = np.einsum("ij,ij->i", positives, below - negatives / 2)
        pairs = positives.sum(axis=1) * below[:, -1]
        return np.divide(won, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)

    return area


def area_influence(scores: Array, positive: npt.NDArray[np.bool_]) -> Array:
    """Returns the influence of each example on the area; arguments are as for `counted_area`."""
    import numpy as np

    examples, found = len(scores), np.zeros(len(scores))
    high, low = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(high) or not len(low):
        return found
    below = _share_below(low, scores[positive])
    above = 1 - _share_below(high, scores[~positive])
    area = below.mean()
    found[positive] = (below - area) * examples / len(high)
    found[~positive] = (above - area) * examples / len(low)
    return found


def _share_below(ascending: Array, values: Array) -> Array:
    """Returns for each value the share of `ascending` below it; equal ones count one half."""
    import numpy as np

    first, end = np.searchsorted(ascending, values, "left"), np.searchsorted(ascending, values, "right")
    return np.asarray((first + end) / (2 * len(ascending)))
