"""Computes the verdicts on distillation from the scores of all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from limbeck.components.comparison import mcnemar, proportions
from limbeck.components.comparison.bootstrap import draw_means, interval, p_value
from limbeck.components.comparison.proportions import agreeing
from limbeck.models import CONTROLS, HARD_LABELS, STUDENT, TEACHER
from limbeck.report.verdicts import SIGNIFICANCE, Comparison, Helped, Interval, Verdicts

if TYPE_CHECKING:
    from limbeck.components.comparison.bootstrap import Means


def compare(scores: Mapping[str, npt.NDArray[np.float64]]) -> Verdicts:
    """Compares the student with its controls, by the mean of their scores.

    Args:
      scores: for each model, float64 `[examples]`: its score for each test example, in the same order. Higher is
        better. There is no verdict without teacher, student and a control, or without an example.
    """
    controls = [name for name in CONTROLS if name in scores]
    if not controls or not {TEACHER, STUDENT} <= scores.keys() or not len(scores[STUDENT]):
        return Verdicts()
    measured = {name: float(np.mean(one)) for name, one in scores.items()}
    drawn = dict(zip(scores, draw_means(np.stack(list(scores.values()))), strict=True))
    against = {name: _against(name, scores, measured, drawn) for name in controls}
    if HARD_LABELS not in against:
        return Verdicts(against=against)
    recovered = agreeing(_gap_recovered(measured, drawn), against[HARD_LABELS].p_value)
    return Verdicts(recovered, _helped(against[HARD_LABELS]), against)


def _against(
    control: str,
    scores: Mapping[str, npt.NDArray[np.float64]],
    measured: Mapping[str, float],
    drawn: Mapping[str, Means],
) -> Comparison:
    mine, others = scores[STUDENT], scores[control]
    if mcnemar.applies(mine) and mcnemar.applies(others):
        exact = mcnemar.p_value(mine, others)
        return Comparison(agreeing(proportions.difference(mine, others), exact), exact)
    differences = drawn[STUDENT] - drawn[control]
    return Comparison(interval(measured[STUDENT] - measured[control], differences), p_value(differences))


def _helped(comparison: Comparison) -> Helped:
    better = (comparison.difference.value or 0.0) > 0
    return Helped(better and comparison.p_value < SIGNIFICANCE, comparison.p_value)


def _gap_recovered(measured: Mapping[str, float], drawn: Mapping[str, Means]) -> Interval:
    gap = measured[TEACHER] - measured[HARD_LABELS]
    if gap <= 0:
        return Interval(None, None, None)
    value = (measured[STUDENT] - measured[HARD_LABELS]) / gap
    gaps = drawn[TEACHER] - drawn[HARD_LABELS]
    shares = np.divide(drawn[STUDENT] - drawn[HARD_LABELS], gaps, out=np.full_like(gaps, np.inf), where=gaps > 0)
    # A draw without a gap has no share, so it is evidence against no share, however small or large. It counts below
    # the low end and above the high end. Without such draws, the interval would be that of the lucky draws.
    low = interval(value, np.where(gaps > 0, shares, -np.inf)).low
    high = interval(value, shares).high
    return Interval(value, low, high)
