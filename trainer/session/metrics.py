"""Builds the task's metrics, and tries them before training.

Metrics are first computed at the end of an epoch, which may be hours after the start. A metric that expects
probabilities, or labels of another shape, would fail then. So they are first computed for one batch, and the results
are thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limbeck import task_code
from limbeck.aliases import KerasMetric, Tensor
from limbeck.errors import ConfigError, TaskError
from limbeck.task import Task
from limbeck.trainer.fitting.evaluation import updated
from limbeck.trainer.session.session import Session


def build_metrics(task: Task) -> list[KerasMetric]:
    """Builds the task's metrics, outside of any strategy; none if the task has none.

    Raises:
      TaskError: if the task's function raises, or returns anything but tf_keras metrics with unique names.
    """
    import tf_keras

    if task.metrics is None:
        return []
    with task_code.guarded(f"task '{task.name}' cannot build its metrics"):
        made = task.metrics()
    rule = f"the metrics of task '{task.name}' must be a list of tf_keras.metrics.Metric"
    if not isinstance(made, list | tuple):
        raise TaskError(f"{rule}, but are a {type(made).__module__}.{type(made).__name__}")
    for metric in made:
        if not isinstance(metric, tf_keras.metrics.Metric):
            kind = type(metric)
            raise TaskError(f"{rule}, but one is a {kind.__module__}.{kind.__name__}")
    names = [task.objective.loss_key, task.objective.score_key, *(metric.name for metric in made)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TaskError(
            f"the metrics of task '{task.name}' must have names of their own, but '{twice[0]}' is there twice "
            f"({', '.join(names[:2])} are always computed): give one another name"
        )
    return list(made)


def assert_computable(session: Session, outputs: Tensor, labels: Tensor) -> None:
    """Computes the task's metrics for a batch, in a graph for any number of examples.

    Args:
      session: the session of this process.
      outputs: outputs of the model, float32 `[batch, outputs]`.
      labels: `[batch, *label_shape]`. The metrics get the examples whose label is complete.

    Raises:
      ConfigError: if the job has no validation split.
      TaskError: if a metric has another name each time, fails, or has a result that is not a number.
    """
    import tensorflow as tf

    task, objective = session.task, session.task.objective
    metrics = build_metrics(task)
    if not metrics:
        return
    if session.job.validation_uri is None:
        raise ConfigError(
            f"the metrics of task '{task.name}' are computed on the validation split, and there is none: give the "
            "training one, or leave `metrics` out"
        )
    _assert_same_names(metrics, build_metrics(task), task)
    known = objective.complete(labels)
    label_dtype = tf.as_dtype(objective.label_dtype)
    signature = [tf.TensorSpec([None, *labels.shape[1:]], label_dtype), tf.TensorSpec([None, outputs.shape[1]])]
    for metric in metrics:
        update = tf.function(
            lambda given, made, one=metric: updated([one], given, made), autograph=False, input_signature=signature
        )
        with task_code.guarded(f"the metric '{metric.name}' of task '{task.name}' fails on the first batch"):
            # The function is traced even if no example of the batch has a label.
            run = update.get_concrete_function()
            if tf.reduce_any(known):
                run(tf.boolean_mask(labels, known), tf.boolean_mask(outputs, known))
            _assert_number(metric.result(), metric, task)


def _assert_same_names(metrics: Sequence[KerasMetric], again: Sequence[KerasMetric], task: Task) -> None:
    for one, other in zip(metrics, again, strict=False):
        if one.name != other.name:
            raise TaskError(
                f"the metrics of task '{task.name}' must have the same names each time that they are built, but one "
                f"was '{one.name}', and then '{other.name}': Keras counts names up that are not given, so give it one"
            )
    if len(metrics) != len(again):
        raise TaskError(f"task '{task.name}' must build the same metrics each time that it is asked for them")


def _assert_number(result: Any, metric: KerasMetric, task: Task) -> None:
    shape = getattr(result, "shape", None)
    if isinstance(result, dict) or shape is None or tuple(shape):
        received = f"a tensor of shape {tuple(shape)}" if shape is not None else f"a {type(result).__name__}"
        raise TaskError(
            f"the metric '{metric.name}' of task '{task.name}' must be one number, but its result is {received}: make "
            "a metric of each number"
        )
