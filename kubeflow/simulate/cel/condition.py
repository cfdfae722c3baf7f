"""The condition of a task, over its executor input; and the selector of a parameter, over its value."""

from __future__ import annotations

from typing import Any

from limbeck.kubeflow.simulate.cel.evaluation import evaluate
from limbeck.kubeflow.simulate.cel.tokens import CelError
from limbeck.kubeflow.simulate.upload.fields import MESSAGES
from limbeck.kubeflow.simulate.values import kind_of, text_of


def holds(condition: str, inputs: dict[str, Any]) -> bool:
    """Returns whether a task is triggered.

    Args:
      condition: the expression; it sees `inputs` and `outputs` with fields in snake case.
      inputs: the inputs in the executor input.

    Raises:
      CelError: if the expression fails, for example for a missing key, or if its value is not a bool.
    """
    variables = {
        "inputs": {
            "parameters": {},
            "parameter_values": doubles(inputs.get("parameterValues", {})),
            "artifacts": {key: _artifacts(each) for key, each in inputs.get("artifacts", {}).items()},
        },
        "outputs": {"parameters": {}, "artifacts": {}, "output_file": ""},
    }
    result = evaluate(condition, variables)
    if not isinstance(result, bool):
        raise CelError(f"the condition yields {result!r}, which is no bool")
    return result


def select(selector: str, value: Any) -> Any:
    """Returns what a selector takes from a parameter's value. It sees the value by its kind, and always as a text."""
    variables: dict[str, Any] = {"string_value": text_of(value)}
    name = {"number": "number_value", "bool": "bool_value", "list": "list_value", "struct": "struct_value"}
    if kind_of(value) in name:
        variables[name[kind_of(value)]] = doubles(value)
    return evaluate(selector, variables)


def doubles(value: Any) -> Any:
    """Returns the value with each number as a double, as protobuf holds it."""
    if isinstance(value, dict):
        return {key: doubles(each) for key, each in value.items()}
    if isinstance(value, list):
        return [doubles(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _artifacts(held: dict[str, Any]) -> dict[str, Any]:
    """Returns a list of artifacts. Fields that are not set are empty, as in protobuf."""
    empty = {
        field.proto_name: "" if field.kind == "string" else {} for field in MESSAGES["RuntimeArtifact"].fields
    }
    return {
        "artifacts": [
            empty | {_snake(key): doubles(value) for key, value in artifact.items()}
            for artifact in held.get("artifacts", [])
        ]
    }


def _snake(name: str) -> str:
    found = MESSAGES["RuntimeArtifact"].find(name, 1000)
    return found.proto_name if found else name
