"""`student_task`: a task for the nodes of a student in another pipeline, with its own Transform and Trainer.

Such a task has neither a `preprocessing_fn` nor a teacher: both are in the other pipeline. If a `Task` could lack them,
every place that calls them would have to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from limbeck.errors import TaskError
from limbeck.task import Feature, Hyperparameters, Label, Task


def student_task(
    name: str,
    features: tuple[Feature, ...],
    label: Label,
    build_student: Callable[[Hyperparameters], Any],
    *,
    build_optimizer: Callable[[Any], Any] | None = None,
) -> Task:
    """Returns a task for `limbeck.student_half.student_half`. A whole run refuses it by a TaskError.

    Args:
      name: lower-case letters, digits and hyphens.
      features: the raw features that the served student takes. The student may read the outputs of the transform graph
        that can be computed from these. Do not declare a raw feature that the label is made of.
      label: the label. Its name is that of an output of the transform graph, or of a raw feature.
      build_student: takes hyperparameters and returns an uncompiled tf_keras model, which takes a dictionary of outputs
        of the transform graph, and ends in logits.
      build_optimizer: as for `Task`.
    """
    return Task(
        name=name,
        features=features,
        label=label,
        preprocessing_fn=_preprocessing_fn,
        build_teacher=_build_teacher,
        build_student=build_student,
        build_optimizer=build_optimizer,
    )


def _preprocessing_fn(_: dict[str, Any]) -> NoReturn:
    raise TaskError("a student_task has no preprocessing_fn: use it with student_half, or write a whole Task")


def _build_teacher(_: Hyperparameters) -> NoReturn:
    raise TaskError("a student_task builds no teacher: use it with student_half, or write a whole Task")
