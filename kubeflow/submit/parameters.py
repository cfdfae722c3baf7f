"""Parameters of a run as a user gives them, with the kinds that the pipeline declares.

The services take 1.5 for a whole number, and the node dies of it an hour later. A text on the command line has no kind
of its own, so it is read as the kind that the parameter has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from limbeck.errors import ConfigError, nearest
from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload import run_parameters
from limbeck.kubeflow.submit.document import Document

_WORDS = {"true": True, "false": False}


def checked(document: Document, given: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Returns the parameters of the run.

    Args:
      document: declares them.
      given: values of any kind that JSON has.
      assignments: texts such as `training_epochs=3`, or `training.epochs=3`, which count more than `given`.

    Raises:
      UserError: for an unknown or missing parameter, or a value of another kind than declared.
    """
    declared = document.spec["root"].get("inputDefinitions", {}).get("parameters", {})
    values = dict(given)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set takes NAME=VALUE, received {assignment!r}")
        name = name.strip().replace(".", "_")
        values[name] = _read(name, text, declared)
    for name, value in values.items():
        whole = declared.get(name, {}).get("parameterType") == "NUMBER_INTEGER"
        if whole and isinstance(value, float) and not value.is_integer():
            raise ConfigError(f"parameter {name} is a whole number, received {value!r}")
    try:
        run_parameters.check(document.spec, values)
    except RefusedError as refusal:
        raise ConfigError(refusal.reason) from None
    return values


def _read(name: str, text: str, declared: Mapping[str, Any]) -> Any:
    if name not in declared:
        known = ", ".join(declared) or "none"
        raise ConfigError(f"the pipeline has no parameter {name}; it has {known}.{nearest(name, declared)}")
    kind = declared[name].get("parameterType")
    if kind == "STRING":
        return text
    try:
        value = _WORDS[text.lower()] if kind == "BOOLEAN" else json.loads(text)
    except (KeyError, ValueError):
        raise ConfigError(f"parameter {name} is {kind}, received {text!r}") from None
    return value
