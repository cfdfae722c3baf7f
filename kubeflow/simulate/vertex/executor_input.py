"""Makes the executor input of a task: the sources of its inputs, and the places of its outputs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from limbeck.kubeflow.simulate.uris import local_path
from limbeck.kubeflow.simulate.values import KINDS, kind_of
from limbeck.kubeflow.simulate.vertex.store import Outputs

Json = dict[str, Any]
OUTPUT_FILE = "executor_output.json"
_LEGACY = {"STRING": "stringValue", "NUMBER_INTEGER": "intValue", "NUMBER_DOUBLE": "doubleValue"}


class TaskError(Exception):
    """A task fails. The message is for the user."""


def inputs(
    task: Json,
    component: Json,
    parameters: Mapping[str, Any],
    done: Mapping[str, Outputs],
    artifacts: Mapping[str, Json],
) -> Json:
    """Returns the inputs of a task.

    Args:
      task: its spec.
      component: its component's spec.
      parameters: parameters of the run.
      done: outputs of earlier tasks, by name.
      artifacts: all artifacts by resource name.

    Raises:
      TaskError: if an input is missing, or is of another kind.
    """
    declared = component.get("inputDefinitions", {}).get("parameters", {})
    values: Json = {}
    for name, source in task.get("inputs", {}).get("parameters", {}).items():
        value = _value(name, source, parameters, done)
        if value is not None:
            values[name] = value
    for name, definition in declared.items():
        _check(name, definition, values)
    found: Json = {}
    if values:
        found["parameterValues"] = values
        found["parameters"] = {
            name: {kind: str(int(value)) if kind == "intValue" else value}
            for name, value in values.items()
            if (kind := _LEGACY.get(declared.get(name, {}).get("parameterType", "")))
        }
    held = {
        name: {"artifacts": [copy.deepcopy(artifacts[_artifact(name, source, done)])]}
        for name, source in task.get("inputs", {}).get("artifacts", {}).items()
    }
    return found | ({"artifacts": held} if held else {})


def outputs(folder: str, component: Json) -> Json:
    """Returns the outputs of a task whose folder is `folder`, a gs:// URI."""
    definitions = component.get("outputDefinitions", {})
    found: Json = {"outputFile": local_path(f"{folder}/{OUTPUT_FILE}")}
    artifacts = {
        name: {"artifacts": [_provisioned(f"{folder}/{name}", definition)]}
        for name, definition in definitions.get("artifacts", {}).items()
    }
    parameters = {
        name: {"outputFile": local_path(f"{folder}/{name}")} for name in definitions.get("parameters", {})
    }
    return (
        found
        | ({"artifacts": artifacts} if artifacts else {})
        | ({"parameters": parameters} if parameters else {})
    )


def _provisioned(uri: str, definition: Json) -> Json:
    return {"uri": uri, "type": definition.get("artifactType", {}), "metadata": definition.get("metadata", {})}


def _value(name: str, source: Json, parameters: Mapping[str, Any], done: Mapping[str, Outputs]) -> Any:
    if "componentInputParameter" in source:
        return parameters.get(source["componentInputParameter"])
    if "taskOutputParameter" in source:
        reference = source["taskOutputParameter"]
        found = done[reference["producerTask"]].parameters
        if reference["outputParameterKey"] not in found:
            raise TaskError(f"task {reference['producerTask']} has no output {reference['outputParameterKey']}")
        return found[reference["outputParameterKey"]]
    if "constant" in source.get("runtimeValue", {}):
        return source["runtimeValue"]["constant"]
    raise TaskError(f"where parameter {name} comes from is not simulated: {', '.join(source) or 'nothing'}")


def _artifact(name: str, source: Json, done: Mapping[str, Outputs]) -> str:
    reference = source.get("taskOutputArtifact")
    if reference is None:
        raise TaskError(f"where artifact {name} comes from is not simulated: {', '.join(source) or 'nothing'}")
    found = done[reference["producerTask"]].artifacts
    if reference["outputArtifactKey"] not in found:
        raise TaskError(f"task {reference['producerTask']} has no output {reference['outputArtifactKey']}")
    return found[reference["outputArtifactKey"]]


def _check(name: str, definition: Json, values: Json) -> None:
    declared = definition.get("parameterType", "")
    if name not in values:
        if not definition.get("isOptional"):
            raise TaskError(f"parameter {name} has no value and is not optional")
    elif KINDS.get(declared) not in (None, kind_of(values[name])):
        raise TaskError(
            f"parameter {name} is {declared}, received {values[name]!r}, which is a {kind_of(values[name])}"
        )
