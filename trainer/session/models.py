"""Builds what the task's own code builds, and turns its failures into errors of the task.

An exception in a user's builder looks like a process that was lost, which would be started again in vain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limbeck import task_code
from limbeck.aliases import FeatureSpec, KerasModel, LearningRate, Optimizer
from limbeck.errors import TaskError
from limbeck.objectives.classes import Classes
from limbeck.task import Task
from trainer.session import contract
from trainer.session.session import Session

_RANK = 2


def build_model(session: Session) -> KerasModel:
    """Builds the model of the job, with fresh weights; in the strategy's scope where it is to be trained.

    A subclassed model is called once on inputs without values, so that its weights exist.

    Raises:
      TaskError: where the builder or that call raises, or where the model breaks a rule of `trainer.session.contract`.
    """
    import tf_keras

    task, entry = session.task, session.job.entry
    who = f"the {entry} of task '{task.name}'"
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
    model = _checked(model, task)
    contract.assert_no_metrics(model, who)
    contract.assert_trainable_weights(model, who)
    if isinstance(task.objective, Classes):
        contract.assert_logits(model, who)
    return model


def build_optimizer(task: Task, learning_rate: LearningRate) -> Optimizer:
    """Builds the task's optimizer; Adam where it has none of its own.

    Raises:
      TaskError: where the task's function raises, or builds something else.
    """
    import tf_keras

    with task_code.guarded(f"task '{task.name}' cannot build its optimizer"):
        optimizer = (task.build_optimizer or tf_keras.optimizers.Adam)(learning_rate)
    if not isinstance(optimizer, tf_keras.optimizers.Optimizer):
        kind = f"{type(optimizer).__module__}.{type(optimizer).__name__}"
        raise TaskError(f"task '{task.name}' must build a tf_keras.optimizers.Optimizer, but built a {kind}")
    return optimizer


def input_types(session: Session) -> dict[str, Any]:
    """The tf.TypeSpec of each of the model's inputs, `[batch, ...]`, by name."""
    from trainer.serving.export import model_input_spec

    return types_of(model_input_spec(session.transform))


def types_of(spec: FeatureSpec) -> dict[str, Any]:
    """The tf.TypeSpec of what `tf.io.parse_example` makes of a batch by each entry of `spec`."""
    import tensorflow as tf

    with tf.Graph().as_default():
        parsed = tf.io.parse_example(tf.compat.v1.placeholder(tf.string, [None]), spec)
        return {name: tf.type_spec_from_value(value) for name, value in parsed.items()}


def _checked(model: KerasModel, task: Task) -> KerasModel:
    """Returns `model` where it is a tf_keras model that ends as the objective asks; otherwise raises TaskError."""
    import tf_keras

    if not isinstance(model, tf_keras.Model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TaskError(f"task '{task.name}' must build a tf_keras.Model, but built a {kind}")
    objective = task.objective
    if len(model.output_shape) != _RANK or model.output_shape[-1] != objective.outputs:
        raise TaskError(
            f"a model of task '{task.name}' must end in {objective.output_words}, but ends in {model.output_shape}"
        )
    return model
