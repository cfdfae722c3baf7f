"""Compares the parameters of a task with the types that its component declares.

A STRING input accepts any value, as text. Any other type accepts only its own kind. If an input is not optional, its
default is not used: a STRING silently becomes empty, and any other type fails.
"""

from __future__ import annotations

from typing import Any

from limbeck.kubeflow.simulate.driver.options import UNSET, DriverError, Options
from limbeck.kubeflow.simulate.values import KINDS, kind_of, text_of

_KINDS = KINDS | {"TASK_FINAL_STATUS": "struct", "TASK_CONFIG": "struct"}


def convert(options: Options, values: dict[str, Any], empty: set[str]) -> None:
    """Checks and converts the values in place.

    Args:
      options: options of the driver.
      values: the values by name.
      empty: names of the values that the driver itself set to null.

    Raises:
      DriverError: if a value has another type, or a required value is missing.
    """
    iterator = options.task.get("parameterIterator")
    for name, definition in options.component.get("inputDefinitions", {}).get("parameters", {}).items():
        if iterator is not None and name == _skipped(iterator, options.iteration):
            continue
        if name not in values:
            if definition.get("isOptional"):
                continue
            if "defaultValue" not in definition:
                raise DriverError(f"parameter {name!r} has no value, no default and is not optional")
        value = values.get(name, UNSET)
        if name in empty:
            continue
        declared = definition.get("parameterType", "PARAMETER_TYPE_ENUM_UNSPECIFIED")
        if declared == "STRING":
            if not isinstance(value, str):
                values[name] = "" if value is UNSET else text_of(value)
        elif value is UNSET:
            raise DriverError(
                f"parameter {name!r} ({declared}) has no value: a default of a component counts only for what is "
                "optional; add isOptional"
            )
        elif value is None:
            raise DriverError(f"parameter {name!r} ({declared}) is null")
        elif kind_of(value) != _KINDS.get(declared):
            raise DriverError(
                f"parameter {name!r} type mismatch: expected {declared}, got {kind_of(value)} {value!r}"
            )


def _skipped(iterator: dict[str, Any], iteration: int) -> str | None:
    """Returns the input of a loop that is not checked: the item outside of the loop, the list inside."""
    if iteration < 0:
        return str(iterator.get("itemInput", ""))
    found = iterator.get("items", {}).get("inputParameter")
    return str(found) if found else None
