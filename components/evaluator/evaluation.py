"""What TFMA evaluates: the student against the teachers, on raw examples, overall and for each slice.

TFMA compares a prediction with one raw feature. Its binary metrics take numbers, but our label may be one of two texts,
or several features. TFX passes only the evaluation's configuration to our extractors, and nothing else of the task. So
the name of the label in this configuration is an `EncodedLabel` as JSON, which says how to convert the label into
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic.dataclasses import dataclass

from limbeck.objectives.objective import Objective
from limbeck.records import STRICT, from_json, to_json
from limbeck.task import Task

_RECORD = "{"
# The modules that hold our own metrics.
_KNOWN = "limbeck.components.evaluator.known_answers"
OWN_METRICS: Mapping[str, str] = MappingProxyType(
    {
        "RSquared": "limbeck.components.evaluator.r_squared",
        "KnownAUC": _KNOWN,
        "KnownPrevalence": _KNOWN,
        "KnownBinaryAccuracy": _KNOWN,
        "KnownBinaryCrossEntropy": _KNOWN,
    }
)


@dataclass(frozen=True, config=STRICT)
class EncodedLabel:
    """A label that TFMA gets as float32 numbers.

    Attributes:
      features: the raw features that hold it, one number of each.
      texts: the texts that count as 0, 1 and so on; empty if the features hold numbers.
      unlabelled: the number in the place of a feature that an example lacks while it has others; None if an example
        needs all of them.
    """

    features: tuple[str, ...]
    texts: tuple[str, ...] = ()
    unlabelled: float | None = None


def evaluation_config(task: Task) -> Any:
    """Returns the `EvalConfig` of a task: the metrics of its objective for student and teachers, and their differences.

    It sets no thresholds: only Gate decides whether the student may serve.
    """
    import tensorflow_model_analysis as tfma

    objective, wanted = task.objective, task.objective.tfma
    label_key = task.label.name
    if wanted.encoded:
        texts = objective.label_values if task.label.kind == "text" else ()
        missing = float(objective.unlabelled) if objective.by_column else None
        label_key = to_json(EncodedLabel(objective.raw_features, texts, missing))

    def model(name: str, is_baseline: bool) -> Any:
        return tfma.ModelSpec(
            name=name,
            is_baseline=is_baseline,
            signature_name="serving_default",
            label_key=label_key,
            prediction_key=wanted.prediction_key,
            model_type="tf_generic",
        )

    return tfma.EvalConfig(
        # TFX itself looks for these two names.
        model_specs=[model("candidate", False), model("baseline", True)],
        slicing_specs=[tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=keys) for keys in task.slices)],
        metrics_specs=[
            tfma.MetricsSpec(metrics=[_metric(name) for name in ("ExampleCount", *wanted.class_names)]),
            *_by_output(objective),
        ],
    )


def _metric(name: str) -> Any:
    import tensorflow_model_analysis as tfma

    return tfma.MetricConfig(class_name=name, module=OWN_METRICS.get(name, ""))


def _by_output(objective: Objective) -> list[Any]:
    """Returns the metrics specifications that compute each output's metrics separately."""
    import tensorflow_model_analysis as tfma

    if not objective.tfma.by_output:
        return []
    every = tfma.BinarizationOptions(class_ids={"values": range(objective.outputs)})
    return [tfma.MetricsSpec(metrics=[_metric(name) for name in objective.tfma.by_output], binarize=every)]


def custom_extractors(eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any) -> list[Any]:
    """Returns what the Evaluator does to examples before it scores them. TFX finds this function by its name.

    A first step drops examples without a label, on which TFMA fails, and turns an `EncodedLabel` into numbers. TFMA's
    own steps follow.
    """
    import tensorflow_model_analysis as tfma

    stock = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    keep = tfma.extractors.Extractor(
        stage_name="KeepLabelled", ptransform=_keep_labelled(eval_config.model_specs[0].label_key)
    )
    return [keep, *stock]


def labelled(batch: Any, label: str) -> Any:
    """Returns the examples of an Arrow record batch that have a label, whatever its value, in their order.

    An example has an `EncodedLabel` with `unlabelled` if it has one of the features.

    Args:
      batch: a list of values for each feature and example. If an example lacks a feature, the list is null, or the
        whole column is missing.
      label: the feature that holds the label, or an `EncodedLabel` as JSON. Then the batch gets a column of that name,
        with a list of float32 numbers for each example.
    """
    import numpy as np
    import pyarrow as pa

    encoded = from_json(EncodedLabel, label) if label.startswith(_RECORD) else None
    features = (label,) if encoded is None else encoded.features
    has = np.stack([_has(batch, feature) for feature in features])
    some = encoded is not None and encoded.unlabelled is not None
    batch = batch.filter(pa.array(has.any(axis=0) if some else has.all(axis=0)))
    if encoded is None or not batch.num_rows:
        return batch
    names = [*batch.schema.names, label]
    return pa.RecordBatch.from_arrays([*batch.columns, _numbers(batch, encoded)], names)


def _has(batch: Any, feature: str) -> Any:
    """Returns which examples have a feature, bool `[examples]`."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if feature not in batch.schema.names or pa.types.is_null(batch.schema.field(feature).type):
        return np.zeros(batch.num_rows, bool)
    values = pc.list_value_length(batch.column(feature))
    return pc.fill_null(pc.greater(values, 0), fill_value=False).to_numpy(zero_copy_only=False)


def _numbers(batch: Any, encoded: EncodedLabel) -> Any:
    import numpy as np
    import pyarrow as pa

    columns = np.full([batch.num_rows, len(encoded.features)], encoded.unlabelled or 0.0, np.float32)
    for place, feature in enumerate(encoded.features):
        has = _has(batch, feature)
        if has.any():
            values = [one[0] for one in batch.column(feature).filter(pa.array(has)).to_pylist()]
            numbers = [encoded.texts.index(one.decode()) for one in values] if encoded.texts else values
            columns[has, place] = numbers
    return pa.array(list(columns), pa.list_(pa.float32()))


def _keep_labelled(label: str) -> Any:
    import apache_beam as beam
    import tensorflow_model_analysis as tfma

    def keep(extracts: dict[str, Any]) -> list[dict[str, Any]]:
        batch = labelled(extracts[tfma.ARROW_RECORD_BATCH_KEY], label)
        return [extracts | {tfma.ARROW_RECORD_BATCH_KEY: batch}] if batch.num_rows else []

    return beam.FlatMap(keep)
