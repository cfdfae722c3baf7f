"""What TFMA evaluates: the student against the teachers, on raw examples, overall and per slice."""

from __future__ import annotations

from typing import Any

from trainer.task import Task


def evaluation_config(task: Task) -> Any:
    """The `EvalConfig` of a task: accuracy and log loss of student and teachers, and their differences.

    It sets no thresholds: whether the student is fit to serve is decided in one place, by Gate.
    """
    import tensorflow_model_analysis as tfma

    def model(name: str, is_baseline: bool) -> Any:
        return tfma.ModelSpec(
            name=name,
            is_baseline=is_baseline,
            signature_name="serving_default",
            label_key=task.label.name,
            prediction_key="probabilities",
            model_type="tf_generic",
        )

    return tfma.EvalConfig(
        # TFX itself looks for these two names.
        model_specs=[model("candidate", False), model("baseline", True)],
        slicing_specs=[tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=keys) for keys in task.slices)],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name="ExampleCount"),
                    tfma.MetricConfig(class_name="SparseCategoricalAccuracy"),
                    tfma.MetricConfig(class_name="SparseCategoricalCrossentropy"),
                ]
            )
        ],
    )
