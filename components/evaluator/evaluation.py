"""What TFMA evaluates: the student against the teachers, on raw examples, overall and for each slice."""

from __future__ import annotations

from typing import Any

from limbeck.task import Task


def evaluation_config(task: Task) -> Any:
    """Returns the `EvalConfig` of a task: the metrics of its objective for student and teachers, and their differences.

    It sets no thresholds: only Gate decides whether the student may serve.
    """
    import tensorflow_model_analysis as tfma

    wanted = task.objective.tfma

    def model(name: str, is_baseline: bool) -> Any:
        return tfma.ModelSpec(
            name=name,
            is_baseline=is_baseline,
            signature_name="serving_default",
            label_key=task.label.name,
            prediction_key=wanted.prediction_key,
            model_type="tf_generic",
        )

    return tfma.EvalConfig(
        # TFX itself looks for these two names.
        model_specs=[model("candidate", False), model("baseline", True)],
        slicing_specs=[tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=keys) for keys in task.slices)],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[tfma.MetricConfig(class_name=name) for name in ("ExampleCount", *wanted.class_names)]
            )
        ],
    )


def custom_extractors(eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any) -> list[Any]:
    """Returns what the Evaluator does to examples before it scores them. TFX finds this function by its name.

    These are TFMA's own steps, after one that drops examples without a label. TFMA fails on such examples.
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

    Args:
      batch: a list of values for each feature and example. If an example lacks a feature, the list is null, or the
        whole column is missing.
      label: the feature that holds the label.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if label not in batch.schema.names or pa.types.is_null(batch.schema.field(label).type):
        return batch.slice(0, 0)
    values = pc.list_value_length(batch.column(label))
    return batch.filter(pc.fill_null(pc.greater(values, 0), fill_value=False))


def _keep_labelled(label: str) -> Any:
    import apache_beam as beam
    import tensorflow_model_analysis as tfma

    def keep(extracts: dict[str, Any]) -> list[dict[str, Any]]:
        batch = labelled(extracts[tfma.ARROW_RECORD_BATCH_KEY], label)
        return [extracts | {tfma.ARROW_RECORD_BATCH_KEY: batch}] if batch.num_rows else []

    return beam.FlatMap(keep)
