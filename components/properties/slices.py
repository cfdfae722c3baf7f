"""Execution properties <-> configuration slices.

TFX hands an executor a flat dictionary of strings and numbers. Each runtime field of a slice is one property,
under its own name, so that the Kubeflow form can edit it; building the slice again validates what was edited.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, TypeVar

from tfx.types.component_spec import ExecutionParameter

from limbeck.records import build, from_json, to_json
from limbeck.reference import TaskRef
from limbeck.settings.fields import runtime_fields, structural_fields

Properties = dict[str, Any]
_Slice = TypeVar("_Slice")


@dataclasses.dataclass(frozen=True)
class CodeRef:
    """What makes the cache see an edit: the task, and a digest of all source that a component runs.

    Attributes:
      task: where the executor finds the task.
      digest: of the task's parts and of our own definitions that the component reaches.
    """

    task: TaskRef
    digest: str


CODE = {"task": ExecutionParameter(type=str), "code_digest": ExecutionParameter(type=str)}

TRAINING = CODE | {
    "launcher": ExecutionParameter(type=str),
    "strategy": ExecutionParameter(type=str),
    "hyperparameters": ExecutionParameter(type=str),
    "epochs": ExecutionParameter(type=int),
    "batch_size": ExecutionParameter(type=int),
    "learning_rate": ExecutionParameter(type=float),
    "seed": ExecutionParameter(type=int),
    "clip_norm": ExecutionParameter(type=float, optional=True),
    "warmup_steps": ExecutionParameter(type=int),
    "checkpoints": ExecutionParameter(type=str),
    "checkpoint": ExecutionParameter(type=str),
    "recovery": ExecutionParameter(type=str),
    # What is fixed when compiled, in one property.
    "training": ExecutionParameter(type=str),
}

DISTILLATION = TRAINING | {
    "targets": ExecutionParameter(type=str),
    "temperature": ExecutionParameter(type=float, optional=True),
    "alpha": ExecutionParameter(type=float, optional=True),
}


def slice_of(cls: type[_Slice], properties: Properties, structure: str = "{}") -> _Slice:
    """Builds a slice from the properties that bear its runtime fields' names; absent ones keep their default.

    Args:
      cls: the slice's class.
      properties: of the component.
      structure: the other fields, as `structure_of` wrote them.

    Raises:
      ConfigError: where a property breaks the slice's rules.
    """
    given = {name: properties[name] for name in runtime_fields(cls) if properties.get(name) is not None}
    values = json.loads(structure) | given
    return build(cls, values, prefix=cls.__name__.removesuffix("Config").lower())


def properties_of(value: Any) -> Properties:
    """The runtime fields of a slice as properties; those that are None are left out."""
    fields = {name: getattr(value, name) for name in runtime_fields(type(value))}
    return {name: field for name, field in fields.items() if field is not None}


def structure_of(value: Any) -> str:
    """The fields of a slice that are not runtime fields, as JSON with sorted keys."""
    return json.dumps({name: getattr(value, name) for name in structural_fields(type(value))}, sort_keys=True)


def code_properties(code: CodeRef) -> Properties:
    """The properties of `CODE`."""
    return {"task": to_json(code.task), "code_digest": code.digest}


def task_of(properties: Properties) -> TaskRef:
    """The task that `code_properties` wrote."""
    return from_json(TaskRef, properties["task"])
