"""The environment of a pod, and `$(NAME)` in its arguments, which Kubernetes replaces by the pod's own variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$(\$|\(([-._a-zA-Z][-._a-zA-Z0-9]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replaces `$(NAME)` if the variable is known. `$$` escapes a dollar before a bracket."""

    def value(match: re.Match[str]) -> str:
        if match.group(1) == "$":
            return "$"
        return variables.get(match.group(2), match.group())

    return _REFERENCE.sub(value, text)


def of_pod(name: str, uid: str, environment: list[dict[str, Any]], attempt: int | None) -> dict[str, str]:
    """Returns the variables of an executor's pod.

    Args:
      name: name of the pod.
      uid: uid of the pod.
      environment: environment of the user's container. Values from a secret or a ConfigMap are unknown here, and left
        out.
      attempt: number of the attempt, if the task has a retry policy.
    """
    fields = {
        "metadata.name": name,
        "metadata.uid": uid,
        "metadata.namespace": "kubeflow",
        "spec.nodeName": "node",
        "spec.serviceAccountName": "pipeline-runner",
        "status.podIP": "127.0.0.1",
        "status.hostIP": "127.0.0.1",
    }
    found = {
        "METADATA_GRPC_SERVICE_HOST": "metadata-grpc-service",
        "METADATA_GRPC_SERVICE_PORT": "8080",
        "KFP_POD_NAME": name,
        "KFP_POD_UID": uid,
    }
    if attempt is not None:
        found["KFP_RETRY_INDEX"] = str(attempt)
    for entry in environment:
        if "valueFrom" in entry:
            field = entry["valueFrom"].get("fieldRef", {}).get("fieldPath")
            if field in fields:
                found[entry["name"]] = fields[field]
        else:
            found[entry["name"]] = expand(entry.get("value", ""), found)
    return found
