"""The command as the user's process gets it: placeholders replaced, defaults of the component added before.

The executor input is inserted first, and the inserted text is searched for placeholders, too. So a parameter whose
*value* looks like a placeholder is rewritten.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from limbeck.kubeflow.simulate.uris import UriError, local_path
from limbeck.kubeflow.simulate.values import text_of
from limbeck.kubeflow.simulate.versions import Rules

_WHOLE = "{{$}}"


def words(executor_input: dict[str, Any], component: dict[str, Any], given: list[str], rules: Rules) -> list[str]:
    """Returns the command and its arguments.

    Args:
      executor_input: the executor input of the driver.
      component: the component's spec.
      given: the words with their placeholders.
      rules: rules of the release. From 2.15 on, only the placeholder of the whole input is replaced in the first word.
    """
    filled = with_defaults(executor_input, component)
    text = json.dumps(filled, ensure_ascii=False, separators=(",", ":"))
    known = placeholders(filled)
    found = []
    for index, word in enumerate(given):
        filled_in = word.replace(_WHOLE, text)
        if index or rules.placeholders_in_command:
            for placeholder, value in known.items():
                filled_in = filled_in.replace(placeholder, value)
        found.append(filled_in)
    return found


def with_defaults(executor_input: dict[str, Any], component: dict[str, Any]) -> dict[str, Any]:
    """Returns the executor input with the component's defaults. ML Metadata stores the one without them."""
    filled = copy.deepcopy(executor_input)
    values = dict(filled.get("inputs", {}).get("parameterValues", {}))
    for name, definition in component.get("inputDefinitions", {}).get("parameters", {}).items():
        if definition.get("defaultValue") is not None:
            values.setdefault(name, definition["defaultValue"])
    if values:
        filled.setdefault("inputs", {})["parameterValues"] = values
    return filled


def placeholders(executor_input: dict[str, Any]) -> dict[str, str]:
    """Returns the value of each placeholder. If an output has no path, no placeholder is replaced."""
    inputs, outputs = executor_input.get("inputs", {}), executor_input.get("outputs", {})
    found: dict[str, str] = {}
    for name, held in inputs.get("artifacts", {}).items():
        for artifact in held.get("artifacts", [])[:1]:
            found[f"{{{{$.inputs.artifacts['{name}'].uri}}}}"] = artifact.get("uri", "")
            try:
                found[f"{{{{$.inputs.artifacts['{name}'].path}}}}"] = path_of(artifact)
            except UriError:
                continue
    for name, held in outputs.get("artifacts", {}).items():
        for artifact in held.get("artifacts", [])[:1]:
            found[f"{{{{$.outputs.artifacts['{name}'].uri}}}}"] = artifact.get("uri", "")
            try:
                found[f"{{{{$.outputs.artifacts['{name}'].path}}}}"] = path_of(artifact)
            except UriError:
                return {}
    for name, value in inputs.get("parameterValues", {}).items():
        if value is None:
            return {}
        found[f"{{{{$.inputs.parameters['{name}']}}}}"] = text_of(value)
    for name, parameter in outputs.get("parameters", {}).items():
        found[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = parameter["outputFile"]
    return found


def path_of(artifact: dict[str, Any]) -> str:
    """Returns the local path of an artifact. Raises UriError if it has none."""
    return str(artifact["customPath"]) if "customPath" in artifact else local_path(artifact.get("uri", ""))
