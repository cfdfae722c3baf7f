"""Builds what the task's own code builds, and turns its failures into errors of the task.

An exception in a user's builder looks like a process that was lost, which would be started again in vain.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

from limbeck.aliases import KerasModel, LearningRate, Optimizer
from limbeck.errors import TaskError, UserError
from limbeck.task import Task
from trainer.session.session import Session

_RANK = 2


def build_model(session: Session) -> KerasModel:
    """Builds the model of the job, with fresh weights; in the strategy's scope where it is to be trained.

    Raises:
      TaskError: where the builder raises, or builds something else.
    """
    task, entry = session.task, session.job.entry
    builders: dict[str, Callable[..., KerasModel]] = {"teacher": task.build_teacher, "student": task.build_student}
    try:
        built = builders[entry](session.job.hyperparameters)
    except UserError:
        raise
    except Exception as error:
        # To be told from a process that was lost: another try would fail as well.
        where = "".join([*traceback.format_tb(error.__traceback__)[1:], *traceback.format_exception_only(error)])
        raise TaskError(f"task '{task.name}' cannot build its {entry}:\n{where.rstrip()}") from error
    return _checked(built, task)


def build_optimizer(task: Task, learning_rate: LearningRate) -> Optimizer:
    """Builds the task's optimizer; Adam where it has none of its own.

    Raises:
      TaskError: where the task builds something else.
    """
    import tf_keras

    optimizer = (task.build_optimizer or tf_keras.optimizers.Adam)(learning_rate)
    if not isinstance(optimizer, tf_keras.optimizers.Optimizer):
        kind = f"{type(optimizer).__module__}.{type(optimizer).__name__}"
        raise TaskError(f"task '{task.name}' must build a tf_keras.optimizers.Optimizer, but built a {kind}")
    return optimizer


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
