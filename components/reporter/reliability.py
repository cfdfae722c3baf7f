"""Measures the calibration of a model: whether a model with a confidence of 90 % is right nine times in ten.

Soft targets can teach a student better than labels how sure it should be. Accuracy does not show that. Guo et al.
(2017), "On Calibration of Modern Neural Networks", arXiv:1706.04599.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from limbeck.components.reporter.scores import Scores, softmax
from limbeck.report.findings import Reliability, ReliabilityBin

BINS = 10


def reliability(scores: Scores, bins: int = BINS) -> Reliability:
    """Compares confidence with accuracy.

    Args:
      scores: scores of one model, all finite, of at least one example.
      bins: number of ranges of equal width. A range includes its upper end, but not its lower end.
    """
    confidence = softmax(scores.logits).max(axis=1)
    right = np.argmax(scores.logits, axis=1) == scores.labels
    ends = np.linspace(0, 1, bins + 1)
    numbers = np.searchsorted(ends, confidence, side="left") - 1
    filled = tuple(_bin(ends, number, confidence, right, numbers) for number in np.unique(numbers).tolist())
    gaps = [one.examples * abs(one.confidence - one.accuracy) for one in filled]
    return Reliability(filled, sum(gaps) / len(confidence))


def _bin(
    ends: npt.NDArray[np.float64],
    number: int,
    confidence: npt.NDArray[np.float64],
    right: npt.NDArray[np.bool_],
    numbers: npt.NDArray[np.int64],
) -> ReliabilityBin:
    inside = numbers == number
    return ReliabilityBin(
        low=float(ends[number]),
        high=float(ends[number + 1]),
        examples=int(inside.sum()),
        # Sorted, because the order of rows differs between runs, and the last digits of a sum depend on the order.
        confidence=float(np.sort(confidence[inside]).mean()),
        accuracy=float(right[inside].mean()),
    )
