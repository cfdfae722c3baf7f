"""Builds the teacher of a student's job, as a tf_keras model with layers.

The exported teacher is a SavedModel: a function without access to its layers. So the teacher is built again by
`build_teacher`, and gets the weights of the SavedModel.
"""

from __future__ import annotations

import dataclasses

from limbeck.aliases import KerasModel
from limbeck.trainer.session import saved_weights
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session


def first_teacher(session: Session, member: int = 0) -> KerasModel:
    """Builds a teacher with the weights of teacher number `member` of the job, if it has teachers.

    Raises:
      ConfigError: if the job's teacher is not the one that the task builds.
      TaskError: if the task cannot build its teacher.
    """
    job = session.job
    job_of_teachers = job.of_another("teacher", job.teacher_hyperparameters)
    teacher = build_model(dataclasses.replace(session, job=job_of_teachers))
    if job.teacher_uri is not None:
        saved_weights.load(teacher, job.teacher_uri, "the teacher", "build_teacher", member)
    return teacher


def teachers(session: Session) -> list[KerasModel]:
    """Builds all teachers of the job. If it has none, builds an untrained one. Raises as `first_teacher`."""
    uri = session.job.teacher_uri
    count = 1 if uri is None else saved_weights.members(uri)
    return [first_teacher(session, member) for member in range(count)]
