"""Builds the teacher of a student's job, as a tf_keras model with layers.

The exported teacher is a SavedModel: a function without layers, which cannot be asked for its second layer. So a
teacher is built again by `build_teacher`, and gets the variables of the SavedModel by their position.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck import files
from limbeck.aliases import KerasModel
from limbeck.errors import ConfigError
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session


def first_teacher(session: Session, member: int = 0) -> KerasModel:
    """Builds a teacher, with the weights of the first teacher of the job if there is one; `member` is another's number.

    Raises:
      ConfigError: if the job's teacher is not the one that the task builds.
      TaskError: if the task cannot build its teacher.
    """
    job = session.job
    job_of_teachers = dataclasses.replace(
        job,
        entry="teacher",
        targets="labels",
        distillation=None,
        hyperparameters=job.teacher_hyperparameters,
        planned_teacher=None,
        teacher_uri=None,
    )
    teacher = build_model(dataclasses.replace(session, job=job_of_teachers))
    if job.teacher_uri is not None:
        _load(teacher, job.teacher_uri, member)
    return teacher


def teachers(session: Session) -> list[KerasModel]:
    """Builds all teachers of the job; a single one, which is not trained, if it has none. Errors as above."""
    uri = session.job.teacher_uri
    count = 1 if uri is None else _members(uri)
    return [first_teacher(session, member) for member in range(count)]


def _members(uri: str) -> int:
    """Returns how many teachers the SavedModel at `uri` holds."""
    numbers = {key.split("/")[1] for key in _reader(uri).get_variable_to_shape_map() if key.startswith("weights/")}
    return len(numbers)


def _reader(uri: str) -> Any:
    import tensorflow as tf

    return tf.train.load_checkpoint(files.join(files.local_copy(uri), "variables", "variables"))


def _load(teacher: KerasModel, uri: str, member: int) -> None:
    """Sets the weights of one teacher in the SavedModel at `uri`.

    Raises:
      ConfigError: if the SavedModel holds other weights, as one that the pipeline did not train.
    """
    # A vocabulary counts as a weight, is built with the model, and has neither a dtype nor a value.
    variables = {place: one for place, one in enumerate(teacher.variables) if hasattr(one, "dtype")}
    reader = _reader(uri)
    keys = {place: f"weights/{member}/{place}/.ATTRIBUTES/VARIABLE_VALUE" for place in variables}
    shapes = reader.get_variable_to_shape_map()
    wanted = {key: variables[place].shape.as_list() for place, key in keys.items()}
    odd = [key for key, shape in wanted.items() if shapes.get(key) != shape]
    if odd:
        raise ConfigError(
            f"the teacher in {uri} is not the one that build_teacher builds: weight {odd[0].split('/')[2]} has shape "
            f"{wanted[odd[0]]} and there {shapes.get(odd[0], 'it is missing')}"
        )
    for place, variable in variables.items():
        variable.assign(reader.get_tensor(keys[place]))
