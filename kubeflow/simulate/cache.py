"""KFP's cache: finds an earlier execution with the same key.

The key contains the ML Metadata ids of the input artifacts, and not their content. So if a producer is not cached, its
outputs have new ids, and the tasks that read them never hit the cache. The key also contains the values of parameters,
the command before placeholders are replaced, the image by name and tag, names of claims, and types and declared
metadata of outputs. It contains neither the name of the task nor its environment or resources, so two tasks with the
same container and equal inputs share an entry.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.values import stable_json

# The fields of an output artifact in the key: all but its URI.
_SPEC = ("name", "type", "metadata")


class Cache:
    """Entries by pipeline and key, kept in a file. The latest entry counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, int] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def find(self, pipeline: str, key: str) -> int | None:
        """Returns the id of an execution with the same key; None if there is none."""
        return self._entries.get(f"{pipeline}/{key}")

    def add(self, pipeline: str, key: str, execution: int) -> None:
        """Adds an execution under its key."""
        self._entries[f"{pipeline}/{key}"] = execution
        self._path.write_text(json.dumps(self._entries, indent=1), encoding="utf-8")


def cache_key(
    executor_input: dict[str, Any], outputs: dict[str, Any], container: dict[str, Any], claims: list[str]
) -> str:
    """Returns the key of a task.

    Args:
      executor_input: the executor input, with provisioned outputs.
      outputs: output definitions of the component.
      container: spec of its container, with unreplaced placeholders.
      claims: names of the claims that it mounts.
    """
    inputs = executor_input.get("inputs", {})
    provisioned = executor_input.get("outputs", {}).get("artifacts", {})
    definitions = outputs.get("parameters", {})
    key = {
        "inputArtifactNames": {
            name: [artifact["name"] for artifact in held.get("artifacts", [])]
            for name, held in inputs.get("artifacts", {}).items()
        },
        "inputParameterValues": inputs.get("parameterValues", {}),
        "outputArtifactsSpec": {
            name: {
                field: value
                for field, value in held["artifacts"][0].items()
                if field in ("name", "type", "metadata")
            }
            for name, held in provisioned.items()
        },
        "outputParametersSpec": {
            name: definition.get("parameterType") for name, definition in definitions.items()
        },
        "containerSpec": {
            "image": container.get("image", ""),
            "cmdArgs": [*container.get("command", []), *container.get("args", [])],
            "pvcNames": sorted(set(claims)),
        },
    }
    return hashlib.sha256(stable_json(key).encode()).hexdigest()
