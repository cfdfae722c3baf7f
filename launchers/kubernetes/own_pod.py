"""The parts of a step's own pod that are copied into its training pods.

The image holds the code, the service account may read the bucket, secrets hold the keys of an object store, and a claim
may hold the data. The step has all of them. Training pods without them would fail at their first file, and the user
should not have to configure them twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from limbeck import events
from limbeck.launchers.kubernetes.resources import POD, Object, name_of
from limbeck.settings import operational
from limbeck.trainer.distribution import cluster

# Kubeflow Pipelines tells every step the name of its own pod.
POD_NAME = "KFP_POD_NAME"
# Argo's name for the container that runs a step.
_CONTAINER = "main"
# Variables and volumes of Argo and Kubeflow Pipelines themselves, and those that only the step needs.
_FOREIGN_PREFIXES = ("ARGO_", "KFP_")
_FOREIGN = frozenset({operational.ENVIRONMENT, events.ENVIRONMENT, cluster.ENVIRONMENT})
# Kinds of volumes that several pods can mount, and that are not scratch space of the step.
_SHARED = ("persistentVolumeClaim", "nfs", "secret", "configMap")


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """Parts of a pod's body, as Kubernetes has them.

    Attributes:
      image: image of the container; None if it is not known.
      service_account: name of the service account; None takes the default of the namespace.
      pull_secrets: `imagePullSecrets`.
      env: `env` of the container.
      env_from: `envFrom` of the container.
      volumes: `volumes` that the container mounts.
      mounts: `volumeMounts` of the container.
    """

    image: str | None = None
    service_account: str | None = None
    pull_secrets: tuple[Object, ...] = ()
    env: tuple[Object, ...] = ()
    env_from: tuple[Object, ...] = ()
    volumes: tuple[Object, ...] = ()
    mounts: tuple[Object, ...] = ()


def surroundings_of(pod: Object) -> Surroundings:
    """Returns what training pods take over from a pod.

    Secrets and claims stay references. Their content is not copied.
    """
    spec: Mapping[str, Any] = pod["spec"]
    containers = spec["containers"]
    container = next((each for each in containers if each["name"] == _CONTAINER), containers[0])
    volumes = {
        volume["name"]: volume for volume in spec.get("volumes", ()) if any(kind in volume for kind in _SHARED)
    }
    mounts = tuple(mount for mount in container.get("volumeMounts", ()) if mount["name"] in volumes)
    mounted = {mount["name"] for mount in mounts}
    return Surroundings(
        image=container.get("image"),
        service_account=spec.get("serviceAccountName"),
        pull_secrets=tuple(spec.get("imagePullSecrets", ())),
        env=tuple(each for each in container.get("env", ()) if _is_wanted(each["name"])),
        env_from=tuple(container.get("envFrom", ())),
        volumes=tuple(volume for name, volume in volumes.items() if name in mounted),
        mounts=mounts,
    )


def owner_of(pod: Object) -> Object:
    """Returns an owner reference to a pod. Objects that carry it are removed with that pod.

    It does not block the removal of the pod, because that needs a right that the default role lacks.
    """
    return {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "name": name_of(pod),
        "uid": pod["metadata"]["uid"],
    }


def _is_wanted(name: str) -> bool:
    return name not in _FOREIGN and not name.startswith(_FOREIGN_PREFIXES)
