"""The platform document: settings of a pod for which the pipeline spec has no field.

It is a second YAML document in the compiled file. KFP silently ignores it if an outer key is misspelt, and ignores an
entry if no executor has its name. So the names of executors are taken from the spec itself, and
`limbeck.kubeflow.strict_fields` parses the document as KFP does. Names are written twice, as constants and as
parameters: older releases read the constants, newer releases read the parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from limbeck.errors import ConfigError
from limbeck.kubeflow.node_containers import Containers
from limbeck.kubeflow.specification import Spec, component_of, container_of, tasks
from limbeck.settings.containers import ContainerConfig, TolerationConfig
from limbeck.settings.quantities import seconds

# What KFP mounts into every container, by the volume's name.
_MOUNTED = {
    "kfp-launcher": "/kfp-launcher",
    "gcs-scratch": "/gcs",
    "s3-scratch": "/s3",
    "minio-scratch": "/minio",
    "dot-local-scratch": "/.local",
    "dot-cache-scratch": "/.cache",
    "dot-config-scratch": "/.config",
}
# Of the variables that KFP sets.
_RESERVED = ("KFP_", "METADATA_GRPC_")


def platform_document(spec: Spec, containers: Containers) -> Spec | None:
    """The document; None where nothing is asked for that belongs there.

    Args:
      spec: of the pipeline; its containers have their environment.
      containers: what is asked for, by task.

    Raises:
      ConfigError: for a variable that the container has already, and for volumes that clash.
    """
    executors = {}
    for name, task in tasks(spec):
        component = component_of(spec, task)
        container = container_of(spec, component)
        if container is None or name not in containers:
            continue
        asked = containers[name]
        _assert_variables(name, asked, {one["name"] for one in container.get("env", [])})
        _assert_volumes(name, asked)
        entry = entry_of(asked)
        if entry:
            executors[component["executorLabel"]] = entry
    if not executors:
        return None
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def entry_of(asked: ContainerConfig) -> Spec:
    """The entry of an executor, with the fields of KFP's message `KubernetesExecutorConfig`."""
    fields: Spec = {
        "nodeSelector": {"labels": dict(asked.node_selector)} if asked.node_selector else None,
        "tolerations": [_toleration(one) for one in asked.tolerations or ()],
        "secretAsEnv": [
            {**_named("secretName", one.name), "keyToEnv": [{"secretKey": one.key, "envVar": variable}]}
            for variable, one in sorted((asked.secrets or {}).items())
        ],
        "pvcMount": [
            {"constant": claim, "pvcNameParameter": _constant(claim), "mountPath": path}
            for path, claim in sorted((asked.claims or {}).items())
        ],
        "emptyDirMounts": [
            _present({"volumeName": name, "mountPath": path, "medium": one.medium, "sizeLimit": one.size})
            for name, path, one in _empty_dirs(asked)
        ],
        "podMetadata": _present({"labels": asked.labels, "annotations": asked.annotations}),
        "activeDeadlineSeconds": seconds(asked.timeout) if asked.timeout else None,
        "imagePullPolicy": asked.image_pull_policy,
        "imagePullSecret": [_named("secretName", name) for name in asked.image_pull_secrets or ()],
    }
    return _present(fields)


def _present(fields: Spec) -> Spec:
    return {name: value for name, value in fields.items() if value}


def _constant(value: str) -> Spec:
    return {"runtimeValue": {"constant": value}}


def _named(field: str, name: str) -> Spec:
    return {field: name, f"{field}Parameter": _constant(name)}


def _toleration(one: TolerationConfig) -> Spec:
    fields = _present({"key": one.key, "operator": one.operator, "value": one.value, "effect": one.effect})
    # Not to tolerate at all is 0.
    return fields | ({} if one.seconds is None else {"tolerationSeconds": one.seconds})


def _empty_dirs(asked: ContainerConfig) -> Iterable[tuple[str, str, Any]]:
    """Name of the volume, path and settings of each empty folder."""
    for number, (path, one) in enumerate(sorted((asked.empty_dirs or {}).items())):
        yield f"limbeck-empty-dir-{number}", path, one


def _assert_variables(node: str, asked: ContainerConfig, taken: set[str]) -> None:
    for variable in asked.secrets or ():
        if variable in taken or variable.startswith(_RESERVED):
            raise ConfigError(
                f"containers.{node}.secrets.{variable} is a variable that the container has already: name it otherwise"
            )


def _assert_volumes(node: str, asked: ContainerConfig) -> None:
    """Raises ConfigError for two volumes of one name, or two at one place: Kubernetes would refuse the pod."""
    names = dict(_MOUNTED) | {name: path for name, path, _ in _empty_dirs(asked)}
    paths = {path: f"'{name}'" for name, path in names.items()}
    for path in asked.empty_dirs or ():
        if path in _MOUNTED.values():
            raise ConfigError(f"containers.{node}.empty_dirs has {path}, where Kubeflow Pipelines mounts a volume")
    for path, claim in (asked.claims or {}).items():
        if claim in names:
            raise ConfigError(
                f"containers.{node}.claims mounts '{claim}' at {path}, and there is a volume of this name at "
                f"{names[claim]} already; Kubeflow Pipelines names a volume after its claim, and a pod has each once"
            )
        if path in paths:
            raise ConfigError(f"containers.{node}.claims has {path}, where the volume {paths[path]} is mounted")
        names[claim] = path
        paths[path] = f"'{claim}'"
