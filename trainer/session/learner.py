"""Chooses what a job trains: a model alone, or a student together with its teachers."""

from __future__ import annotations

from typing import Any

from limbeck.aliases import KerasModel
from limbeck.errors import ConfigError
from limbeck.trainer.distillation.needs import assert_supported
from limbeck.trainer.distillation.student import Student, watching
from limbeck.trainer.distillation.transfer.registry import of_layers
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.teachers import first_teacher, teachers

# A tf_keras model, or a `Student`.
Learner = Any


def learner_of(session: Session, model: KerasModel, *, trying: bool = False) -> Learner:
    """Returns the model itself, or a student beside its teachers if the distillation needs them at each step.

    Call it in the strategy's scope, after the model is built, so that its first weights do not depend on its teachers.

    Args:
      session: the session of this process.
      model: the model of the job.
      trying: whether the job is only tried. Then a job without a teacher gets an untrained one.

    Raises:
      ConfigError: if the task has no hints or no augmentation, or the job no teacher.
      TaskError: if layers cannot be compared.
    """
    if session.predecessor is not None:
        before = build_model(session)
        before.set_weights(session.predecessor)
        return Student(model, None, (before,))
    job, task = session.job, session.task
    wanted = [] if job.distillation is None else of_layers(job.distillation)
    if job.distillation is None or not (wanted or job.distillation.calls_teachers):
        return model
    assert_supported(job.distillation, task)
    if job.teacher_uri is None and not trying:
        raise ConfigError(
            "the teachers are called at each step, because the distillation compares layers or takes inputs that were "
            "not stored, but the training of the student has no teacher: give it the teachers' SavedModel"
        )
    built = teachers(session) if job.distillation.calls_teachers else [first_teacher(session)]
    watched = watching(model, built[0], task.hints, wanted, f"task '{task.name}'") if wanted else None
    return Student(model, watched, tuple(built) if job.distillation.calls_teachers else ())
