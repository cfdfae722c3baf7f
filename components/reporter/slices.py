"""Finds where the student falls behind its teacher, in the Evaluator's figures for each slice.

A student can be as good as its teacher overall, and still be wrong on a small group of examples. So the slices on which
the student is worst compared with its teacher come first.
"""

from __future__ import annotations

import math
from typing import Any

from limbeck.models import STUDENT, TEACHER
from limbeck.report.findings import Slice

SLICES = 200

_Metrics = dict[str, dict[str, Any]]
_Key = tuple[tuple[str, Any], ...]


def read(
    evaluation: str,
    metric: str,
    slices: int = SLICES,
    *,
    defined_by: str | None = None,
    outputs: int | None = None,
) -> tuple[Slice, ...]:
    """Reads the Evaluator's output.

    Args:
      evaluation: folder of a ModelEvaluation artifact, made by `limbeck.components.evaluator.evaluation`.
      metric: TFMA's name of the metric that is the objective's measure.
      slices: the largest number of slices.
      defined_by: TFMA's name of a metric that is strictly between 0 and 1 where `metric` is defined; None if it always
        is. If a slice has only positive examples, or none, TFMA gives an AUC of 0. Such a slice would seem the worst.
      outputs: the number of outputs, if the metric was computed for each of them separately. The figure is then the
        mean over the outputs for which it is defined.

    Returns:
      All examples first. Then the slices by the student's metric minus the teacher's, smallest first. Slices where it
      is undefined come last.
    """
    import tensorflow_model_analysis as tfma

    names = {TEACHER: tfma.BASELINE_KEY, STUDENT: tfma.CANDIDATE_KEY}
    loaded = {name: tfma.load_eval_result(evaluation, model_name=in_tfma) for name, in_tfma in names.items()}
    parts = [None] if outputs is None else range(outputs)
    figures = {
        name: figures_of([one.get_metrics_for_all_slices(class_id=part) for part in parts], metric, defined_by)
        for name, one in loaded.items()
    }
    examples = loaded[STUDENT].get_metrics_for_all_slices()
    found = [
        Slice(
            features={feature: str(value) for feature, value in key},
            examples=round(_value(metrics, "example_count")),
            accuracy={name: one[key] for name, one in figures.items()},
        )
        for key, metrics in examples.items()
    ]
    return tuple(sorted(found, key=_order)[:slices])


def figures_of(parts: list[dict[_Key, _Metrics]], metric: str, defined_by: str | None) -> dict[_Key, float | None]:
    """Returns the metric of each slice: the mean over the parts in which it is defined; None if there are none."""
    found = {}
    for key in parts[0]:
        values = [
            _value(part[key], metric)
            for part in parts
            if defined_by is None or 0 < _value(part[key], defined_by) < 1
        ]
        found[key] = _finite(sum(values) / len(values)) if values else None
    return found


def _value(metrics: _Metrics, name: str) -> float:
    # TFMA writes NaN as a text.
    return float(metrics[name]["doubleValue"])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _order(one: Slice) -> tuple[bool, float, list[tuple[str, str]]]:
    teacher, student = one.accuracy[TEACHER], one.accuracy[STUDENT]
    # TFMA computes in float32, so equal differences may differ in their last digits.
    difference = math.inf if teacher is None or student is None else round(student - teacher, 6)
    return bool(one.features), difference, sorted(one.features.items())
