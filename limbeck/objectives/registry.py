"""The objectives, by the name that a label gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from limbeck.errors import TaskError, nearest
from limbeck.objectives.binary import Binary
from limbeck.objectives.classes import Classes
from limbeck.objectives.multi_label import MultiLabel
from limbeck.objectives.objective import LabelDeclaration, Objective
from limbeck.objectives.regression import Regression

_Kind = TypeVar("_Kind", bound=type[Objective])

_OBJECTIVES: dict[str, type[Objective]] = {
    "binary": Binary,
    "classes": Classes,
    "multi_label": MultiLabel,
    "regression": Regression,
}


class _NamedLabel(LabelDeclaration, Protocol):
    @property
    def objective(self) -> str: ...


def objective_of(label: _NamedLabel) -> Objective:
    """Returns the objective that a label names.

    Raises:
      TaskError: if there is no such objective, or if it does not accept the label.
    """
    found = _OBJECTIVES.get(label.objective)
    if found is None:
        known = ", ".join(sorted(_OBJECTIVES))
        raise TaskError(
            f"label '{label.name}' has the unknown objective {label.objective!r}."
            f"{nearest(str(label.objective), _OBJECTIVES)} Known: {known}"
        )
    return found(label)


def register(name: str) -> Callable[[_Kind], _Kind]:
    """Returns a class decorator that adds an objective, for a task with its own kind of label.

    The decorated class is in the task's own module, so each process that loads the task registers it.

    Raises:
      TaskError: (the decorator) if another class has the name.
    """

    def add(kind: _Kind) -> _Kind:
        known = _OBJECTIVES.get(name)
        # A module that is imported again defines its class again.
        if known is not None and (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
            raise TaskError(
                f"there is an objective '{name}' already, {known.__module__}.{known.__qualname__}: "
                f"register {kind.__qualname__} under another name"
            )
        _OBJECTIVES[name] = kind
        return kind

    return add
