"""The task and the code of a component as execution properties, so that the cache sees an edit of either."""

from __future__ import annotations

import dataclasses
import os

from tfx.types.component_spec import ExecutionParameter

from limbeck.components.properties.sections import Properties
from limbeck.records import from_json, to_json
from limbeck.reference import TaskRef, located, portable


@dataclasses.dataclass(frozen=True)
class CodeRef:
    """The task, and a digest of all source that a component runs. With both, the cache sees every edit.

    Attributes:
      task: where the executor finds the task.
      digest: digest of the task's parts, and of our own definitions that the component depends on.
    """

    task: TaskRef
    digest: str


CODE = {"task": ExecutionParameter(type=str), "code_digest": ExecutionParameter(type=str)}


def code_properties(code: CodeRef) -> Properties:
    """Returns the properties that `CODE` declares."""
    return {"task": to_json(portable(code.task)), "code_digest": code.digest}


def task_of(properties: Properties) -> TaskRef:
    """Returns the task in the properties. If the environment of this process names a folder for it, it is used."""
    return located(from_json(TaskRef, properties["task"]), os.environ)
