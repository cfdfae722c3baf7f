"""Computes the first weights of a student from its trained teacher, if the task says how (`Task.initialise_student`).

Student and teacher (`limbeck.trainer.session.teachers`) are built outside of the strategy, where a task can read and
set weights as in a notebook. Only the weights are passed on to the student that is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck import task_code
from limbeck.aliases import KerasModel
from limbeck.errors import ConfigError, TaskError
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.teachers import first_teacher

Weights = list[npt.NDArray[np.generic]]


def initial_weights(session: Session) -> Weights | None:
    """Returns the first weights of the student, in the order of `model.get_weights()`.

    Returns None if the job trains teachers, or if the task has no `initialise_student`. Set the random seed before,
    because student and teacher are built, and the task may draw numbers.

    Raises:
      ConfigError: if the job has no teacher.
      TaskError: if the task's function fails, and as in `initialise`.
    """
    if session.job.entry != "student" or session.task.initialise_student is None:
        return None
    if session.job.teacher_uri is None:
        raise ConfigError(
            f"task '{session.task.name}' has initialise_student, but the training of the student has no teacher: give "
            "it the teachers' SavedModel, or leave initialise_student out"
        )
    student = build_model(session)
    initialise(session, student, first_teacher(session))
    return list(student.get_weights())


def assert_initialisable(session: Session, student: KerasModel) -> None:
    """Tries the task's function on a student; does nothing if the task has none.

    If the job has no teacher yet, the function is tried with an untrained one.

    Raises:
      ConfigError: if the teacher is not the one that the task builds.
      TaskError: as `initialise` does.
    """
    if session.job.entry == "student" and session.task.initialise_student is not None:
        initialise(session, student, first_teacher(session))


def initialise(session: Session, student: KerasModel, teacher: KerasModel) -> None:
    """Calls the task's function, and checks that it has only set weights of the student.

    Args:
      session: the session of this process, whose task has the function.
      student: a student, built outside of any strategy.
      teacher: a teacher, likewise.

    Raises:
      TaskError: if the function raises, changes no weight of the student, freezes or adds weights, or sets one to a
        value that is not finite.
    """
    function: Any = session.task.initialise_student
    before, layout = student.get_weights(), _layout(student)
    who = f"initialise_student of task '{session.task.name}'"
    with task_code.guarded(f"{who} fails"):
        function(student, teacher)
    if _layout(student) != layout:
        raise TaskError(
            f"{who} must only set weights, but it froze, released or added some, which would be ignored: freeze layers "
            "in build_student"
        )
    after = student.get_weights()
    if all(np.array_equal(one, other) for one, other in zip(before, after, strict=True)):
        raise TaskError(f"{who} changed no weight of the student: set weights of the student that it is given")
    if not all(np.isfinite(one).all() for one in after if np.issubdtype(one.dtype, np.floating)):
        raise TaskError(f"{who} made weights of the student that are not finite: set finite ones")


def _layout(model: KerasModel) -> Sequence[Any]:
    """Returns the weights of a model, and which of them are trained."""
    trained = {id(one) for one in model.trainable_variables}
    return [(id(one), id(one) in trained) for one in model.variables]
