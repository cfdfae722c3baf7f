"""Computes the verdicts on student and distillation from the answers of all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from limbeck.components.comparison import mcnemar, proportions, score_bound
from limbeck.components.comparison.answers import Answers
from limbeck.components.comparison.bootstrap import draw, interval, lower_end, p_value
from limbeck.components.comparison.proportions import agreeing
from limbeck.models import CONTROLS, HARD_LABELS, STUDENT, TEACHER, shipped
from limbeck.objectives.statistic import Statistic
from limbeck.report.verdicts import SIGNIFICANCE, Comparison, Helped, Interval, NonInferiority, Verdicts

if TYPE_CHECKING:
    from limbeck.components.comparison.bootstrap import Means


def compare(answers: Answers, statistic: Statistic) -> Verdicts:
    """Compares the student with its controls, and the shipped model (the student or its compressed file) with its
    teacher.

    Args:
      answers: what each model answered to the test examples. There is no verdict without teacher and student, without
        an example, or if the examples do not define the statistic.
      statistic: the figure that is compared; higher is better.
    """
    if not {TEACHER, STUDENT} <= answers.outputs.keys() or not len(answers.labels):
        return Verdicts()
    measured = {name: statistic.value(one, answers.labels) for name, one in answers.outputs.items()}
    if not np.isfinite(list(measured.values())).all():
        return Verdicts()
    drawn = draw(answers, statistic)
    beside = _against_teacher(answers, statistic, measured, drawn)
    controls = [name for name in CONTROLS if name in answers.outputs]
    against = {name: _against(name, answers, statistic, measured, drawn) for name in controls}
    if HARD_LABELS not in against:
        return Verdicts(against=against, against_teacher=beside)
    recovered = agreeing(_gap_recovered(measured, drawn), against[HARD_LABELS].p_value)
    return Verdicts(recovered, _helped(against[HARD_LABELS]), against, beside)


def _against_teacher(
    answers: Answers, statistic: Statistic, measured: Mapping[str, float], drawn: Mapping[str, Means]
) -> NonInferiority:
    student, examples = shipped(answers.outputs), len(answers.labels)
    difference = measured[student] - measured[TEACHER]
    mine, theirs = (statistic.scores(answers.outputs[name], answers.labels) for name in (student, TEACHER))
    if mine is not None and theirs is not None and mcnemar.applies(mine) and mcnemar.applies(theirs):
        return NonInferiority(difference, score_bound.lower_bound(mine, theirs), examples)
    return NonInferiority(difference, lower_end(drawn[student] - drawn[TEACHER], examples), examples)


def _against(
    control: str,
    answers: Answers,
    statistic: Statistic,
    measured: Mapping[str, float],
    drawn: Mapping[str, Means],
) -> Comparison:
    mine, others = (statistic.scores(answers.outputs[name], answers.labels) for name in (STUDENT, control))
    if mine is not None and others is not None and mcnemar.applies(mine) and mcnemar.applies(others):
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
    # If the gap is 0 in a draw, the share is undefined.
    shares = np.divide(drawn[STUDENT] - drawn[HARD_LABELS], gaps, out=np.full_like(gaps, np.nan), where=gaps > 0)
    return interval(value, shares)
