"""Verdicts on models of which only the scores are known."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from limbeck.components.comparison.answers import Answers
from limbeck.components.comparison.compare import compare as compare_answers
from limbeck.objectives.statistic import MeanScore
from limbeck.report.verdicts import Verdicts


def compare(scores: Mapping[str, Any]) -> Verdicts:
    """Compares models by the mean of their scores, `[examples]` by model."""
    examples = len(next(iter(scores.values()), []))
    outputs = {name: np.asarray(one, np.float64)[:, np.newaxis] for name, one in scores.items()}
    return compare_answers(Answers(np.zeros(examples), outputs), MeanScore(lambda given, _: given[:, 0]))
