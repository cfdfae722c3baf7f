"""Computes the ROC curve: the true positive rate of a model against its false positive rate.

The threshold is a probability. With two classes, the second class is positive. With more classes, the curve is over all
pairs of an example and a class ("micro average", as in scikit-learn's user guide).

A curve has a point for each distinct probability: a million points for a large test split. A screen shows hundreds of
points, and metadata stores take kilobytes. Keeping every n-th point would cut corners, always on the same side if a
model gives few distinct answers. So points are removed one by one. In each step, the removed point is the one that best
compensates the area that was lost before (after Visvalingam and Whyatt, 1993, "Line generalisation by repeated
elimination of points").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from limbeck.components.reporter.scores import Scores, softmax
from limbeck.report.findings import Roc

POINTS = 200
# A first, fast step leaves this many times as many points. Removing them one by one takes quadratic time.
_ROUGHLY = 10

_Array = npt.NDArray[np.float64]


def roc(scores: Scores, points: int = POINTS) -> Roc | None:
    """Returns the ROC curve of one model.

    Args:
      scores: scores of one model, all finite, of at least one example.
      points: the largest number of points.

    Returns:
      None if there is no curve, because no example is positive, or none is negative.
    """
    probabilities = softmax(scores.logits)
    classes = probabilities.shape[1]
    if classes == 2:  # noqa: PLR2004
        probability, positive = probabilities[:, 1], scores.labels == 1
    else:
        probability, positive = probabilities.ravel(), (scores.labels[:, np.newaxis] == np.arange(classes)).ravel()
    if positive.all() or not positive.any():
        return None
    thresholds, false_positive_rate, recall = curve(probability, positive)
    kept = thin(false_positive_rate, recall, points)
    return Roc(
        thresholds=tuple(thresholds[kept].tolist()),
        false_positive_rates=tuple(false_positive_rate[kept].tolist()),
        recalls=tuple(recall[kept].tolist()),
        area=float(np.trapz(recall, false_positive_rate)),
    )


def curve(probability: _Array, positive: npt.NDArray[np.bool_]) -> tuple[_Array, _Array, _Array]:
    """Computes the ROC curve with a point for each threshold.

    Args:
      probability: float64 `[answers]`, finite.
      positive: bool `[answers]`; some are positive, some are not.

    Returns:
      Thresholds, false positive rates and recalls, each float64 `[points]`, from (0, 0), whose threshold is just above
      every probability, to (1, 1). Points within a straight piece are left out.
    """
    order = np.argsort(-probability)
    descending = probability[order]
    ends = np.append(np.flatnonzero(np.diff(descending)), len(descending) - 1)
    found = np.cumsum(positive[order])[ends]
    taken = ends + 1 - found
    right, wrong = np.append(0, found), np.append(0, taken)
    thresholds = np.append(np.nextafter(descending[0], np.inf), descending[ends])
    # Counts are whole numbers, so straight pieces are found exactly. Rates are rounded.
    turn = np.diff(wrong[:-1]) * np.diff(right[1:]) - np.diff(right[:-1]) * np.diff(wrong[1:])
    kept = np.r_[True, turn != 0, True]
    return thresholds[kept], wrong[kept] / taken[-1], right[kept] / found[-1]


def thin(x: _Array, y: _Array, points: int) -> npt.NDArray[np.int64]:
    """Chooses points of a curve that rises from (0, 0) to (1, 1), so that the area below it stays nearly the same.

    Args:
      x: float64 `[points]`, ascending.
      y: float64 `[points]`, ascending.
      points: the largest number of points to keep; at least 2.

    Returns:
      Positions of the kept points, ascending. The first and the last are among them.
    """
    kept = np.arange(len(x))
    if len(kept) > _ROUGHLY * points:
        # At equal distances along the curve, where the distance of two points is |dx| + |dy|.
        places = np.searchsorted(x + y, np.linspace(0, x[-1] + y[-1], _ROUGHLY * points))
        kept = np.unique(np.r_[0, np.minimum(places, len(x) - 1), len(x) - 1])
    gained = float(np.trapz(y[kept], x[kept]) - np.trapz(y, x))
    while len(kept) > points:
        a, b = x[kept], y[kept]
        # The area that is gained if a point is removed: the triangle of the point and its neighbours.
        gains = ((a[1:-1] - a[:-2]) * (b[2:] - b[:-2]) - (a[2:] - a[:-2]) * (b[1:-1] - b[:-2])) / 2
        gone = int(np.argmin(np.abs(gains) + np.abs(gained + gains)))
        gained += float(gains[gone])
        kept = np.delete(kept, gone + 1)
    return kept
