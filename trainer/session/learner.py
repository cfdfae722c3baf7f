"""Chooses what a job trains: the model alone, or a student with an eye on layers of its teacher."""

from __future__ import annotations

from typing import Any

from limbeck.aliases import KerasModel
from limbeck.errors import ConfigError
from limbeck.trainer.distillation.student import watching
from limbeck.trainer.distillation.transfer.registry import assert_hints, of_layers
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.teachers import first_teacher

# A tf_keras model, or a `Student`.
Learner = Any


def learner_of(session: Session, model: KerasModel, *, trying: bool = False) -> Learner:
    """Returns the model itself, or a student that is compared with its teacher if the distillation compares layers.

    Call it in the strategy's scope. The model is built before, so that its first weights do not depend on its teacher.

    Args:
      session: the session of this process.
      model: the model of the job.
      trying: whether nothing is trained. Then a job without a teacher gets one that is not trained.

    Raises:
      ConfigError: if the task has no hints, or the job no teacher.
      TaskError: if layers cannot be compared.
    """
    job, task = session.job, session.task
    wanted = [] if job.distillation is None else of_layers(job.distillation)
    if job.distillation is None or not wanted:
        return model
    assert_hints(job.distillation, task.hints, task.name)
    if job.teacher_uri is None and not trying:
        raise ConfigError(
            f"distillation.{wanted[0]}_weight compares layers with those of a teacher, but the training of the student "
            "has no teacher: give it the teachers' SavedModel, or set the weight to 0"
        )
    return watching(model, first_teacher(session), task.hints, wanted, f"task '{task.name}'")
