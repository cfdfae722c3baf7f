"""Compares the parameters of a run with those that the pipeline declares, as the server does at a run's creation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limbeck.errors import nearest
from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload.strict import free
from limbeck.kubeflow.simulate.values import KINDS, kind_of


def check(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values as protobuf holds them. Raises RefusedError if the server would refuse the run."""
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    values = {name: free(value, name) for name, value in given.items()}
    for name, parameter in declared.items():
        if name in values:
            _kind(name, parameter, values[name])
        elif not parameter.get("isOptional") and "defaultValue" not in parameter:
            raise RefusedError(
                "run", f"parameter {name} has no value, no default and is not optional: give it with --parameters"
            )
    for name in values:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise RefusedError(
                "run", f"the pipeline has no parameter {name}; it has {known}.{nearest(name, declared)}"
            )
    return values


def defaults(spec: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Adds the root's defaults, and null for optional parameters without a default."""
    filled = dict(values)
    for name, parameter in spec["root"].get("inputDefinitions", {}).get("parameters", {}).items():
        if name not in filled and ("defaultValue" in parameter or parameter.get("isOptional")):
            filled[name] = parameter.get("defaultValue")
    return filled


def allowed(literals: list[Any], value: Any) -> bool:
    """Returns whether a value is in the list of allowed values. Without a list, all values are allowed."""
    return not literals or any(kind_of(value) == kind_of(one) and value == one for one in literals)


def _kind(name: str, parameter: Mapping[str, Any], value: Any) -> None:
    declared = parameter.get("parameterType", "PARAMETER_TYPE_ENUM_UNSPECIFIED")
    expected = KINDS.get(declared)
    if expected is None:
        raise RefusedError("run", f"parameter {name} has type {declared}, which no parameter of a run may have")
    if kind_of(value) != expected:
        raise RefusedError(
            "run", f"parameter {name} is {declared}, received {value!r}, which is a {kind_of(value)}"
        )
    if not allowed(parameter.get("literals", []), value):
        choices = ", ".join(repr(one) for one in parameter["literals"])
        raise RefusedError("run", f"parameter {name} takes one of {choices}; received {value!r}")
