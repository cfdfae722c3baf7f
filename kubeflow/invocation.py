"""Converts an ExecutorInput of KFP into one that TFX's own code understands.

KFP leaves out or changes some parts, which are restored from the definitions of the component: types of artifacts,
defaults of parameters, and the wrapping of metadata. Artifacts that the component does not declare are left out: KFP
adds `executor-logs` to every task's outputs, of a type that TFX cannot import.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.kubeflow import metadata
from limbeck.kubeflow.artifact_types import class_path, known_class, title_of
from limbeck.kubeflow.places import place

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Definitions:
    """What the component declares: `inputDefinitions` and `outputDefinitions` of its spec."""

    inputs: Json
    outputs: Json

    def titles(self, side: str) -> dict[str, str]:
        """The titles of the types of `inputs` or `outputs`."""
        return {key: title_of(one) for key, one in getattr(self, side).get("artifacts", {}).items()}


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What an execution is to do.

    Attributes:
      content: the ExecutorInput, as TFX understands it.
      uris: of all artifacts, by the place that an executor opens.
      names: of all artifacts that have one. KFP's are the ids of ML Metadata, as decimal numbers.
    """

    content: Json
    uris: dict[str, str]
    names: frozenset[str]

    @property
    def output_file(self) -> str:
        """Path or URI of the file for what the execution tells of its outputs."""
        return str(self.content["outputs"]["outputFile"])


def understood(given: Json, definitions: Definitions, target: str) -> Invocation:
    """Puts back what is missing; `given` stays as it is.

    Raises:
      ConfigError: where a whole number has a fraction.
      ValueError: where a type has no title or class.
    """
    content = copy.deepcopy(given)
    uris: dict[str, str] = {}
    names: set[str] = set()
    for side in ("inputs", "outputs"):
        titles = definitions.titles(side)
        artifacts = content.setdefault(side, {}).get("artifacts", {})
        content[side]["artifacts"] = {key: one for key, one in artifacts.items() if key in titles}
        for key, artifact in _artifacts(content[side]):
            where = place(artifact["uri"], target)
            uris[where] = artifact["uri"]
            names |= {artifact["name"]} if side == "inputs" and artifact.get("name") else set()
            artifact["uri"] = where
            artifact["type"] = {"instanceSchema": f"title: {class_path(titles[key])}\n"}
            artifact["metadata"] = metadata.received(artifact.get("metadata", {}))
    content["inputs"]["parameterValues"] = _parameters(content["inputs"], definitions.inputs)
    return Invocation(content, uris, frozenset(names))


def make_folders(invocation: Invocation) -> None:
    """Makes the folder of every output, as TFX does locally, and of every input that was empty.

    An object store keeps no empty folders: of an output without files, nothing is there to be downloaded. Outputs that
    are a value are one file, for which the folder above it is made.
    """
    from tfx.types.value_artifact import ValueArtifact
    from tfx.utils import import_utils

    for side in ("inputs", "outputs"):
        for _, artifact in _artifacts(invocation.content[side]):
            kind = import_utils.import_class_by_path(known_class(artifact["type"]))
            uri = artifact["uri"]
            if not files.is_local(uri) or files.exists(uri):
                continue
            if issubclass(kind, ValueArtifact):
                files.make_folder(uri.rpartition("/")[0])
            else:
                files.make_folder(uri)


def _artifacts(side: Json) -> Iterator[tuple[str, Json]]:
    for key, listed in side.get("artifacts", {}).items():
        for artifact in listed.get("artifacts", []):
            yield key, artifact


def _parameters(inputs: Json, definitions: Json) -> Json:
    """Values by name: defaults where none was given; lists and structures as JSON, which is what executors read."""
    declared = definitions.get("parameters", {})
    defaults = {key: one["defaultValue"] for key, one in declared.items() if "defaultValue" in one}
    values = {key: value for key, value in inputs.get("parameterValues", {}).items() if value is not None}
    for key, value in values.items():
        whole = declared.get(key, {}).get("parameterType") == "NUMBER_INTEGER"
        # KFP takes 1.5 for a whole number, and TFX would make 1 of it.
        if whole and isinstance(value, float) and not value.is_integer():
            raise ConfigError(f"parameter '{key}' must be a whole number, received {value}")
    return {
        key: json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else value
        for key, value in {**defaults, **values}.items()
    }
