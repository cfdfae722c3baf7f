"""What an execution tells of its outputs: TFX's ExecutorOutput -> one that KFP's launcher takes."""

from __future__ import annotations

import json
from typing import Any

from kubeflow import metadata
from kubeflow.invocation import Definitions, Invocation
from limbeck import files


def finish(invocation: Invocation, definitions: Definitions, target: str) -> None:
    """Rewrites the file that TFX's `run_executor` has written."""
    written = json.loads(files.read_text(invocation.output_file))
    text = json.dumps(told(written, invocation, definitions, target), sort_keys=True, allow_nan=False)
    files.write_text(invocation.output_file, text)


def told(output: dict[str, Any], invocation: Invocation, definitions: Definitions, target: str) -> dict[str, Any]:
    """An ExecutorOutput that can be read outside of this container.

    Outputs go without their URI on KFP: it knows where they are to be, takes a path of this pod for a place that needs
    no upload, and fails where another URI is named. Their type it knows too. On Vertex AI the URI is that of the
    artifact, and stays.
    """
    titles = definitions.titles("outputs")
    names = {float(number): name for name in invocation.names for number in [_number(name)]}
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


def _number(name: str) -> int:
    """The number that TFX makes of a name, because its own artifacts have numbers."""
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as utils

    return int(utils._get_hashed_id(name, {}))
