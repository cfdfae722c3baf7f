"""Computes the measure of the gate from the answers of a model, and how the measure varies with the examples.

Accuracy is a mean of scores, one for each example. Many measures are not such means: the area under a ROC curve
compares pairs of examples, and R² divides by the variance of the labels. A mean of something else would be another
figure than the one that users know. So a statistic returns three things: its value, its value if each example counts a
number of times (for the bootstrap), and the influence of each example (for the normal limit of the bootstrap, if
drawing would take too long). `limbeck.components.comparison.bootstrap` draws the examples.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

# Takes how often each example counts, whole numbers as float64 `[draws, examples]`, and returns the statistic of each
# draw, float64 `[draws]`. It is NaN for a draw that does not define it.
Counted = Callable[[Any], Any]


class Statistic(abc.ABC):
    """A figure of one model on labelled examples; higher is better."""

    @abc.abstractmethod
    def value(self, outputs: Array, labels: Any) -> float:
        """Returns the figure; NaN if the examples do not define it.

        Args:
          outputs: float64 `[examples, outputs]`, all finite, of at least one example.
          labels: `[examples, *label_shape]`, all labelled and declared.
        """

    @abc.abstractmethod
    def counted(self, outputs: Array, labels: Any) -> Counted:
        """Returns the figure as a function of how often each example counts; arguments are as for `value`.

        If every example counts once, the function returns `value`.
        """

    @abc.abstractmethod
    def influence(self, outputs: Array, labels: Any) -> Array:
        """Returns how much each example moves the figure, float64 `[examples]`, with mean 0.

        This is the empirical influence function (Hampel, 1974, "The influence curve and its role in robust estimation",
        Journal of the American Statistical Association 69). Of many examples that are drawn with replacement, the
        figure is nearly `value` plus the mean influence of those that were drawn.
        """

    def scores(self, outputs: Array, labels: Any) -> Array | None:
        """Returns a score for each example, float64 `[examples]`, if `value` is their mean; otherwise None."""
        return None


class MeanScore(Statistic):
    """The mean of a score that each example has by itself."""

    def __init__(self, score: Callable[[Any, Any], Any]) -> None:
        """Takes the function from outputs and labels, as for `value`, to the scores, float64 `[examples]`."""
        self._score = score

    def value(self, outputs: Array, labels: Any) -> float:
        """Returns the mean."""
        import numpy as np

        return float(np.mean(self._score(outputs, labels)))

    def counted(self, outputs: Array, labels: Any) -> Counted:
        """Returns the weighted mean."""
        scores = self._score(outputs, labels)
        return lambda counts: counts @ scores / counts.sum(axis=1)

    def influence(self, outputs: Array, labels: Any) -> Array:
        """Returns the scores less their mean."""
        scores: Array = self._score(outputs, labels)
        return scores - scores.mean()

    def scores(self, outputs: Array, labels: Any) -> Array | None:
        """Returns the scores."""
        found: Array = self._score(outputs, labels)
        return found
