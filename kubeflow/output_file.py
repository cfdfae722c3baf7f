"""Converts TFX's ExecutorOutput of an execution into one that KFP's launcher accepts."""

from __future__ import annotations

import json
from typing import Any

from limbeck import files
from limbeck.kubeflow import metadata
from limbeck.kubeflow.executor import number_of
from limbeck.kubeflow.invocation import Definitions, Invocation


def write(output: dict[str, Any], invocation: Invocation, definitions: Definitions, target: str) -> None:
    """Writes what an executor told, as `told` translates it."""
    text = json.dumps(told(output, invocation, definitions, target), sort_keys=True, allow_nan=False)
    files.write_text(invocation.output_file, text)


def told(output: dict[str, Any], invocation: Invocation, definitions: Definitions, target: str) -> dict[str, Any]:
    """An ExecutorOutput that can be read outside of this container.

    Outputs go without their URI on KFP: it knows where they are to be, takes a path of this pod for a place that needs
    no upload, and fails where another URI is named. Their type it knows too. On Vertex AI the URI is that of the
    artifact, and stays.
    """
    titles = definitions.titles("outputs")
    names = {float(number_of(name)): name for name in invocation.names}
    uris = invocation.uris if target == "kubeflow" else {}
    result = {key: value for key, value in output.items() if key != "artifacts"}
    result["artifacts"] = {
        key: {"artifacts": [_artifact(one, titles[key], uris, names, target) for one in listed["artifacts"]]}
        for key, listed in output.get("artifacts", {}).items()
        if key in titles and listed.get("artifacts")
    }
    return result


def _artifact(
    artifact: dict[str, Any], title: str, uris: dict[str, str], names: dict[float, str], target: str
) -> dict[str, Any]:
    kept = {"name", "uri"} if target == "vertex" else set()
    own = {key: value for key, value in artifact.items() if key in kept}
    return {**own, "metadata": metadata.written(artifact.get("metadata", {}), title, uris, names)}
