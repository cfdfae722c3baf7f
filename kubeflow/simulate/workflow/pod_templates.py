"""The templates of a container: the small DAG that may skip it, and its pod."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limbeck.kubeflow.simulate.workflow.compilation import Template
from limbeck.kubeflow.simulate.workflow.placeholders import given
from limbeck.kubeflow.simulate.workflow.templates import (
    LAUNCHER_IMAGE,
    METADATA_ENVIRONMENT,
    POD_ENVIRONMENT,
    RESTRICTED,
    SECCOMP,
    template,
)

_USER = {key: value for key, value in RESTRICTED.items() if key != "runAsNonRoot"}
_MOUNTS = {
    "kfp-launcher": "/kfp-launcher",
    "gcs-scratch": "/gcs",
    "s3-scratch": "/s3",
    "minio-scratch": "/minio",
    "dot-local-scratch": "/.local",
    "dot-cache-scratch": "/.cache",
    "dot-config-scratch": "/.config",
}


def executor(name: str, implementation: str, parameters: Sequence[str], defaults: Sequence[str]) -> Template:
    """Returns the small DAG around a container, which skips it if the driver found its outputs in the cache.

    Args:
      name: name of the template.
      implementation: the template that it runs.
      parameters: parameters that it passes on, besides the pod's patch.
      defaults: parameters that are "0" if the task leaves them out.
    """
    task = {
        "name": "executor",
        "template": implementation,
        "arguments": {
            "parameters": [{"name": each, "value": given(each)} for each in ("pod-spec-patch", *parameters)]
        },
        "when": f"{given('cached-decision')} != true",
    }
    inputs: list[Any] = [{"name": "pod-spec-patch"}, {"name": "cached-decision", "default": "false"}]
    inputs += [{"name": each, "default": "0"} if each in defaults else {"name": each} for each in parameters]
    return template(name, inputs, dag={"tasks": [task]})


def implementation(
    name: str, parameters: Sequence[str], labels: dict[str, str], annotations: dict[str, str]
) -> Template:
    """Returns the pod of a container, with an emptyDir for each scheme of a bucket, and a copy of the launcher."""
    launcher = {
        "args": ["--copy", "/kfp-launcher/launch"],
        "command": ["launcher-v2"],
        "image": LAUNCHER_IMAGE,
        "name": "kfp-launcher",
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m"}},
        "securityContext": RESTRICTED,
        "volumeMounts": [{"mountPath": "/kfp-launcher", "name": "kfp-launcher"}],
    }
    container = {
        "command": ["should-be-overridden-during-runtime"],
        "env": list(POD_ENVIRONMENT),
        "envFrom": METADATA_ENVIRONMENT,
        "image": "gcr.io/ml-pipeline/should-be-overridden-during-runtime",
        "name": "",
        "resources": {},
        "securityContext": _USER,
        "volumeMounts": [{"mountPath": path, "name": each} for each, path in _MOUNTS.items()],
    }
    made = template(
        name,
        [{"name": each} for each in ("pod-spec-patch", *parameters)],
        container=container,
        initContainers=[launcher],
        podSpecPatch=given("pod-spec-patch"),
        securityContext={"seccompProfile": SECCOMP},
        volumes=[{"emptyDir": {}, "name": each} for each in _MOUNTS],
        role="launcher",
    )
    made["metadata"]["annotations"].update(annotations)
    if labels:
        made["metadata"]["labels"] = labels
    return made
