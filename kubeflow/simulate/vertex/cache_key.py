"""The cache key of Vertex AI. Unlike KFP's key, it contains the environment of the container."""

from __future__ import annotations

import hashlib
from typing import Any

from limbeck.kubeflow.simulate.values import stable_json


def cache_key(pipeline: str, inputs: dict[str, Any], outputs: dict[str, Any], container: dict[str, Any]) -> str:
    """Returns the key of a task.

    Args:
      pipeline: name of the pipeline. Pipelines with different names share nothing.
      inputs: the inputs in the executor input.
      outputs: output definitions of the component.
      container: its spec, with unreplaced placeholders.
    """
    key = {
        "pipeline": pipeline,
        "parameters": inputs.get("parameterValues", {}),
        "artifacts": {
            name: [artifact["name"] for artifact in held["artifacts"]]
            for name, held in inputs.get("artifacts", {}).items()
        },
        "outputs": [sorted(outputs.get(kind, {})) for kind in ("parameters", "artifacts")],
        "container": {key: container.get(key) for key in ("image", "command", "args", "env")},
    }
    return hashlib.sha256(stable_json(key).encode()).hexdigest()
