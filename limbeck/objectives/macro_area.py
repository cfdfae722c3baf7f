"""The mean of the areas under the ROC curves of several labels, each of which counts as much as the others.

Some label is often rare. Accuracy over all labels is then high for a model that always says no, and an area over all
answers together compares answers to different questions. Each label by itself has an area that its rarity does not
change. A label without positive or without negative examples has none; the mean is over the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from limbeck.examples import UNLABELLED
from limbeck.objectives.area_under_curve import area, area_influence, counted_area
from limbeck.objectives.statistic import Counted, Statistic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from limbeck.objectives.statistic import Array

    Mask = npt.NDArray[np.bool_]


class MacroArea(Statistic):
    """The mean of the AUCs of the outputs that have one. It is NaN if none has.

    `labels` are 0 or 1, `[examples, outputs]`, or -1 where an example has no answer. The AUC of an output is over the
    examples that have one.
    """

    def value(self, outputs: Array, labels: Any) -> float:
        """Returns the mean area, within 0 and 1."""
        import numpy as np

        found = areas(outputs, labels)
        defined = found[~np.isnan(found)]
        return float(defined.mean()) if len(defined) else float("nan")

    def counted(self, outputs: Array, labels: Any) -> Counted:
        """Returns the mean area as a function of counts. Each draw has the mean of the areas that it defines."""
        import numpy as np

        each = [(known, counted_area(scores, positive)) for known, scores, positive in _columns(outputs, labels)]

        def mean(counts: Array) -> Array:
            found = np.stack([counted(counts[:, known]) for known, counted in each])
            defined = ~np.isnan(found)
            sums, number = np.where(defined, found, 0).sum(axis=0), defined.sum(axis=0)
            return np.divide(sums, number, out=np.full(len(counts), np.nan), where=number > 0)

        return mean

    def influence(self, outputs: Array, labels: Any) -> Array:
        """Returns the mean of the influences on the areas that are defined; zeros if none is."""
        import numpy as np

        found = []
        for known, scores, positive in _columns(outputs, labels):
            if positive.any() and not positive.all():
                moved = np.zeros(len(labels))
                # Among all examples, one that is known counts for as many as it does among those that are known.
                moved[known] = area_influence(scores, positive) * len(labels) / len(scores)
                found.append(moved)
        return np.mean(found, axis=0) if found else np.zeros(len(labels))


def areas(outputs: Array, labels: Any) -> Array:
    """Returns the area of each output, float64 `[outputs]`; NaN where there is none. Arguments are as for `value`."""
    import numpy as np

    return np.array([area(scores, positive) for _, scores, positive in _columns(outputs, labels)])


def _columns(outputs: Array, labels: Any) -> Iterator[tuple[Mask, Array, Mask]]:
    """Yields for each output who has an answer, bool `[examples]`, and the scores and answers of these."""
    for column, answers in zip(outputs.T, labels.T, strict=True):
        known = answers != UNLABELLED
        yield known, column[known], answers[known] == 1
