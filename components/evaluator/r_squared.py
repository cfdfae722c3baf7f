"""R² as a metric of TFMA, for each slice.

tf_keras' `R2Score` fails in TFMA: it has its weights after its first update only, and TFMA gives merged weights to a
new one. TFMA's own squared correlation is another figure: it is 1 for a model whose answers are all twice too large.
So this combiner counts the squared errors, and the mean and the spread of the labels. Two spreads are merged by their
means (Chan, Golub and LeVeque, 1983, "Algorithms for computing the sample variance", The American Statistician 37). A
difference of large sums would have few correct digits where labels are large and close together, such as years.

TFMA finds this module by its name in the evaluation's configuration, so that only the Evaluator imports TFMA.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import apache_beam as beam
from tensorflow_model_analysis.metrics import metric_types, metric_util

NAME = "r_squared"


class Sums(NamedTuple):
    """What must be known of some examples to compute R² and to merge with others.

    Attributes:
      examples: their number.
      mean: mean of their labels.
      spread: sum of the squared distances of the labels from their mean.
      errors: sum of the squared errors of the predictions.
    """

    examples: float = 0.0
    mean: float = 0.0
    spread: float = 0.0
    errors: float = 0.0


def merged(one: Sums, other: Sums) -> Sums:
    """Returns the sums of the examples of both."""
    examples = one.examples + other.examples
    if not examples:
        return one
    apart = other.mean - one.mean
    return Sums(
        examples,
        one.mean + apart * other.examples / examples,
        one.spread + other.spread + apart**2 * one.examples * other.examples / examples,
        one.errors + other.errors,
    )


def value(sums: Sums) -> float:
    """Returns R²; NaN if all labels are equal."""
    return 1 - sums.errors / sums.spread if sums.spread > 0 else float("nan")


class RSquared(metric_types.Metric):
    """1 - squared errors / squared distances of the labels from their mean."""

    def __init__(self, name: str = NAME) -> None:
        """Takes the metric's name in the results."""
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


metric_types.register_metric(RSquared)


def _computations(
    name: str = NAME, eval_config: Any = None, model_name: str = "", output_name: str = "", **_: Any
) -> list[Any]:
    key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
    return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=_Combiner(key, eval_config))]


class _Combiner(beam.CombineFn):
    def __init__(self, key: Any, eval_config: Any) -> None:
        self._key, self._config = key, eval_config

    def create_accumulator(self) -> Sums:
        return Sums()

    def add_input(self, accumulator: Sums, element: Any) -> Sums:
        pairs = metric_util.to_label_prediction_example_weight(
            element, eval_config=self._config, model_name=self._key.model_name, output_name=self._key.output_name
        )
        seen = [
            Sums(1.0, float(label), 0.0, (float(prediction) - float(label)) ** 2) for label, prediction, _ in pairs
        ]
        return functools.reduce(merged, seen, accumulator)

    def merge_accumulators(self, accumulators: Iterable[Sums]) -> Sums:
        return functools.reduce(merged, accumulators, Sums())

    def extract_output(self, accumulator: Sums) -> dict[Any, float]:
        return {self._key: value(accumulator)}
