"""TFMA's binary metrics for labels of which some are missing.

An example may have some of several labels and lack others. TFMA has weights for whole examples, and none for a single
label of an example, so a missing label would count as a no. So each metric here is TFMA's own metric, but its combiner
only gets the labels that an example has. If the metric is for a single label, examples that lack this label are left
out.

TFMA finds this module by its name in the evaluation's configuration, so that only the Evaluator imports TFMA.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import apache_beam as beam
from tensorflow_model_analysis import metrics as stock
from tensorflow_model_analysis.metrics import metric_types, metric_util

from limbeck.examples import UNLABELLED


def known_part(inputs: Any, key: Any, eval_config: Any) -> Iterator[Any]:
    """Yields the known labels of an example and their predictions; nothing if no label is known.

    Args:
      inputs: TFMA's `StandardMetricInputs`: labels and predictions `[outputs]` by the name of the model.
      key: the `MetricKey` of what is computed. With a class id, it is of that output alone.
      eval_config: TFMA's `EvalConfig`.
    """
    [(labels, predictions, weight)] = metric_util.to_label_prediction_example_weight(
        inputs, eval_config=eval_config, model_name=key.model_name, output_name=key.output_name, flatten=False
    )
    known = labels != UNLABELLED
    if key.sub_key is not None:
        if known[key.sub_key.class_id]:
            yield inputs
    elif known.all():
        yield inputs
    elif known.any():
        some = predictions[known]
        yield metric_types.StandardMetricInputs(
            label=labels[known],
            prediction={key.model_name: some} if key.model_name else some,
            example_weight=weight,
        )


class _OfKnown(beam.CombineFn):
    """A combiner of TFMA that gets only the labels that an example has."""

    def __init__(self, combiner: beam.CombineFn, key: Any, eval_config: Any) -> None:
        self._combiner, self._key, self._config = combiner, key, eval_config

    def setup(self) -> None:
        self._combiner.setup()

    def create_accumulator(self) -> Any:
        return self._combiner.create_accumulator()

    def add_input(self, accumulator: Any, element: Any) -> Any:
        for part in known_part(element, self._key, self._config):
            accumulator = self._combiner.add_input(accumulator, part)
        return accumulator

    def merge_accumulators(self, accumulators: Any) -> Any:
        return self._combiner.merge_accumulators(accumulators)

    def compact(self, accumulator: Any) -> Any:
        return self._combiner.compact(accumulator)

    def extract_output(self, accumulator: Any) -> Any:
        return self._combiner.extract_output(accumulator)

    def teardown(self) -> None:
        self._combiner.teardown()


class _Known(metric_types.Metric):
    """A metric of TFMA that gets only known labels. It comes before TFMA's metric among the base classes."""

    NAME: ClassVar[str]

    def __init__(self, name: str = "") -> None:
        """Takes the metric's name in the results; TFMA's own, if none is given."""
        super().__init__(name=name or self.NAME)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of this class."""
        return {"name": self.name}

    def computations(self, eval_config: Any = None, **given: Any) -> Any:
        """Called by TFMA. Returns the metric's computations, with combiners that get only known labels."""
        return [
            one._replace(combiner=_OfKnown(one.combiner, one.keys[0], eval_config))
            if isinstance(one, metric_types.MetricComputation)
            else one
            for one in super().computations(eval_config=eval_config, **given)
        ]


class KnownAUC(_Known, stock.AUC):
    """The area under the ROC curve."""

    NAME = "auc"


class KnownPrevalence(_Known, stock.Prevalence):
    """The share of positive answers."""

    NAME = "prevalence"


class KnownBinaryAccuracy(_Known, stock.BinaryAccuracy):
    """The share of right answers."""

    NAME = "binary_accuracy"


class KnownBinaryCrossEntropy(_Known, stock.BinaryCrossEntropy):
    """The mean cross-entropy of the answers."""

    NAME = "binary_crossentropy"


for _metric in (KnownAUC, KnownPrevalence, KnownBinaryAccuracy, KnownBinaryCrossEntropy):
    metric_types.register_metric(_metric)
