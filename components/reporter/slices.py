"""Finds where the student falls behind its teacher, in the Evaluator's figures for each slice.

A student can keep the overall figure, and still lose a small group of examples altogether. So the slices where it
lost most come first.
"""

from __future__ import annotations

import math
from typing import Any

from limbeck.models import STUDENT, TEACHER
from limbeck.report.findings import Slice

SLICES = 200

_Metrics = dict[str, dict[str, Any]]


def read(
    evaluation: str, metric: str, slices: int = SLICES, *, defined_by: str | None = None
) -> tuple[Slice, ...]:
    """Reads the Evaluator's output.

    Args:
      evaluation: folder of a ModelEvaluation artifact, made by `limbeck.components.evaluator.evaluation`.
      metric: TFMA's name of the metric that is the objective's measure.
      slices: the largest number of slices.
      defined_by: TFMA's name of a metric that is strictly between 0 and 1 where `metric` is defined. An AUC is 0 in TFMA
        if the slice has positive examples only, or none; such a slice would seem a disaster. None: always defined.

    Returns:
      All examples first. Then the slices by the student's metric minus the teacher's, smallest first. Slices where it
      is undefined come last.
    """
    import tensorflow_model_analysis as tfma

    names = {TEACHER: tfma.BASELINE_KEY, STUDENT: tfma.CANDIDATE_KEY}
    loaded = {
        name: tfma.load_eval_result(evaluation, model_name=in_tfma).get_metrics_for_all_slices()
        for name, in_tfma in names.items()
    }
    found = [
        _slice(key, {name: one[key] for name, one in loaded.items()}, metric, defined_by)
        for key in loaded[STUDENT]
    ]
    return tuple(sorted(found, key=_order)[:slices])


def _slice(
    key: tuple[tuple[str, Any], ...], metrics: dict[str, _Metrics], metric: str, defined_by: str | None
) -> Slice:
    return Slice(
        features={feature: str(value) for feature, value in key},
        examples=round(_value(metrics[STUDENT], "example_count")),
        accuracy={
            name: _finite(_value(one, metric)) if _defined(one, defined_by) else None
            for name, one in metrics.items()
        },
    )


def _defined(metrics: _Metrics, defined_by: str | None) -> bool:
    return defined_by is None or 0 < _value(metrics, defined_by) < 1


def _value(metrics: _Metrics, name: str) -> float:
    # TFMA returns NaN as a text.
    return float(metrics[name]["doubleValue"])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _order(one: Slice) -> tuple[bool, float, list[tuple[str, str]]]:
    teacher, student = one.accuracy[TEACHER], one.accuracy[STUDENT]
    # TFMA computes in float32, so equal differences may differ in their last digits.
    difference = math.inf if teacher is None or student is None else round(student - teacher, 6)
    return bool(one.features), difference, sorted(one.features.items())
