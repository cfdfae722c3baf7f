"""The places of a task's outputs: URIs below the run's root, a file for each parameter, and the output file."""

from __future__ import annotations

from typing import Any

from limbeck.kubeflow.simulate import uris
from limbeck.kubeflow.simulate.versions import Rules

LOG = "executor-logs"
OLD_OUTPUT_FILE = "/tmp/kfp_outputs/output_metadata.json"  # noqa: S108  # a path in the pod
PARAMETERS = "/tmp/kfp/outputs"  # noqa: S108  # a path in the pod


def provision(root: str, task: str, salt: str, definitions: dict[str, Any], rules: Rules) -> dict[str, Any]:
    """Returns the outputs of an executor input.

    Args:
      root: URI of the run's root.
      task: the task's name.
      salt: a text that makes the folder unique.
      definitions: output definitions of the component; KFP adds the log as an artifact.
      rules: rules of the release.
    """
    folder = uris.below(root, task, salt)
    artifacts = dict(definitions.get("artifacts", {}))
    artifacts[LOG] = {"artifactType": {"schemaTitle": "system.Artifact"}}
    found: dict[str, Any] = {"artifacts": {}}
    for name, definition in artifacts.items():
        artifact = {"name": name} if rules.names_outputs else {}
        artifact["uri"] = f"{folder}/{name}"
        if "artifactType" in definition:
            artifact["type"] = definition["artifactType"]
        if "metadata" in definition:
            artifact["metadata"] = definition["metadata"]
        found["artifacts"][name] = {"artifacts": [artifact]}
    parameters = definitions.get("parameters", {})
    if parameters:
        found["parameters"] = {name: {"outputFile": f"{PARAMETERS}/{name}"} for name in parameters}
    found["outputFile"] = OLD_OUTPUT_FILE
    if rules.output_file_below_task:
        found["outputFile"] = f"{uris.local_path(folder)}/output_metadata.json"
    return found
