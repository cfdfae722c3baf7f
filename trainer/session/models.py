"""Calls the task's builders of the model and the optimizer, and turns their failures into a TaskError.

Otherwise an exception in a user's builder would look like a lost process, and the launcher would restart it in vain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limbeck import task_code
from limbeck.aliases import FeatureSpec, KerasModel, LearningRate, Optimizer
from limbeck.counted import counted
from limbeck.errors import TaskError
from limbeck.task import Task
from limbeck.trainer.session import contract
from limbeck.trainer.session.session import Session

_RANK = 2


def build_model(session: Session) -> KerasModel:
    """Builds the model of the job, with new weights. Call it in the strategy's scope to build a model for training.

    A subclass of tf_keras.Model is called once on symbolic inputs, so that it has weights.

    Returns:
      A tf_keras model: inputs by name, each `[batch, ...]` -> logits or values `[batch, outputs]`.

    Raises:
      TaskError: if the builder or the call raises, or if the model breaks a rule of `limbeck.trainer.session.contract`.
    """
    import tf_keras

    task, entry = session.task, session.job.entry
    who = session.who
    builders: dict[str, Callable[..., KerasModel]] = {"teacher": task.build_teacher, "student": task.build_student}
    with task_code.guarded(f"task '{task.name}' cannot build its {entry}"):
        model = builders[entry](session.job.hyperparameters)
    if isinstance(model, tf_keras.Model):
        given = input_types(session)
        contract.assert_uncompiled(model, who)
        contract.assert_stock_steps(model, who)
        contract.assert_takes(model, given, who)
        if not getattr(model, "_is_graph_network", False):
            with task_code.guarded(f"{who} cannot be called with what preprocessing_fn returns, {sorted(given)}"):
                model({name: tf_keras.Input(type_spec=kind) for name, kind in given.items()})
        contract.assert_one_output(model, who)
    model = _checked(model, task, who)
    contract.assert_no_metrics(model, who)
    contract.assert_trainable_weights(model, who)
    if task.objective.activation is not None:
        contract.assert_logits(model, who, task.objective.activation)
    return model


def build_optimizer(task: Task, learning_rate: LearningRate) -> Optimizer:
    """Builds the task's optimizer; Adam if the task has no `build_optimizer`.

    Raises:
      TaskError: if the task's function raises, or if it returns anything but a tf_keras optimizer.
    """
    import tf_keras

    with task_code.guarded(f"task '{task.name}' cannot build its optimizer"):
        optimizer = (task.build_optimizer or tf_keras.optimizers.Adam)(learning_rate)
    if not isinstance(optimizer, tf_keras.optimizers.Optimizer):
        kind = f"{type(optimizer).__module__}.{type(optimizer).__name__}"
        raise TaskError(f"task '{task.name}' must build a tf_keras.optimizers.Optimizer, but built a {kind}")
    return optimizer


def input_types(session: Session) -> dict[str, Any]:
    """Returns the tf.TypeSpec of each of the model's inputs, `[batch, ...]`, by name."""
    from limbeck.trainer.serving.export import model_input_spec

    return types_of(model_input_spec(session.transform))


def types_of(spec: FeatureSpec) -> dict[str, Any]:
    """Returns the tf.TypeSpec of what `tf.io.parse_example` returns for each entry of `spec`, `[batch, ...]`."""
    import tensorflow as tf

    with tf.Graph().as_default():
        parsed = tf.io.parse_example(tf.compat.v1.placeholder(tf.string, [None]), spec)
        return {name: tf.type_spec_from_value(value) for name, value in parsed.items()}


def _checked(model: KerasModel, task: Task, who: str) -> KerasModel:
    """Returns `model` if it is a tf_keras model with as many outputs as the objective needs; else raises TaskError."""
    import tf_keras

    if not isinstance(model, tf_keras.Model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TaskError(f"task '{task.name}' must build a tf_keras.Model, but built a {kind}")
    objective = task.objective
    if len(model.output_shape) != _RANK or model.output_shape[-1] != objective.outputs:
        raise TaskError(
            f"{who} must end in {objective.output_words}, but ends in {model.output_shape}: let its last layer have "
            f"{counted(objective.outputs, 'unit')}"
        )
    return model
