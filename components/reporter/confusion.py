"""Computes the confusion matrix of a model."""

from __future__ import annotations

import numpy as np

from limbeck.components.reporter.scores import Scores
from limbeck.report.findings import Confusion


def confusion(scores: Scores, classes: tuple[str, ...]) -> Confusion:
    """Counts examples by label and by most probable class.

    Args:
      scores: scores of one model, all finite.
      classes: a name for each class, in the order of the logits.
    """
    pairs = scores.labels * len(classes) + np.argmax(scores.logits, axis=1)
    counts = np.bincount(pairs, minlength=len(classes) ** 2).reshape(len(classes), -1)
    return Confusion(classes, tuple(tuple(row) for row in counts.tolist()))
