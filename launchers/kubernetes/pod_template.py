"""The template of a training pod: the same for all pods of a job, and for every kind of job.

A pod learns its rank from its completion index (or from the training operator), and everything else from its command.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from limbeck import events
from limbeck.launchers import far_output
from limbeck.launchers.kubernetes.plan import PodPlan
from limbeck.launchers.kubernetes.resources import Object

# The training operator requires this name. All kinds use it, which saves a case.
CONTAINER = "tensorflow"
_SHARED_MEMORY, _CLAIM = "shared-memory", "limbeck-claim"


def pod_template(plan: PodPlan, addresses: Sequence[str], subdomain: str | None = None) -> Object:
    """Returns `spec.template` of a Job.

    Args:
      plan: the job.
      addresses: `host:port` of each rank; empty if the operator sets TF_CONFIG, or if there is only one process.
      subdomain: the headless Service that gives the pods their names; None if the kind sets it, or needs none.
    """
    settings, around = plan.settings, plan.surroundings
    volumes, mounts = [*around.volumes], [*around.mounts]
    for volume, mount in _own_volumes(plan):
        volumes.append(volume)
        mounts.append(mount)
    spec: Object = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": plan.grace_seconds,
        # Leaves out several variables for each Service of the namespace, which no code here reads.
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": settings.user,
            "runAsGroup": settings.user,
            "fsGroup": settings.user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(plan, addresses, mounts)],
    }
    optional = {
        "subdomain": subdomain,
        "serviceAccountName": settings.service_account or around.service_account,
        "imagePullSecrets": list(around.pull_secrets),
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [_without_none(vars(each)) for each in settings.tolerations],
        "volumes": volumes,
    }
    spec |= {key: value for key, value in optional.items() if value}
    # Istio's sidecar would never end, and would intercept connections of the training processes. Newer releases read
    # the label.
    no_sidecar = {"sidecar.istio.io/inject": "false"}
    return {
        "metadata": {"labels": {**plan.labels, **no_sidecar}, "annotations": no_sidecar},
        "spec": spec,
    }


def _container(plan: PodPlan, addresses: Sequence[str], mounts: Sequence[Object]) -> Object:
    settings = plan.settings
    arguments = ["--files", plan.files, "--start-seconds", f"{settings.start_seconds:g}"]
    for address in addresses:
        arguments += ["--address", address]
    own = _variables(plan)
    names = {each["name"] for each in own}
    container: Object = {
        "name": CONTAINER,
        "image": plan.image,
        "command": ["python", "-m", "limbeck.launchers.kubernetes.in_pod"],
        "args": [_plain(each) for each in arguments],
        "env": [*(each for each in plan.surroundings.env if each["name"] not in names), *own],
        "resources": _resources(plan),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    optional = {"envFrom": list(plan.surroundings.env_from), "volumeMounts": list(mounts)}
    return container | {key: value for key, value in optional.items() if value}


def _variables(plan: PodPlan) -> list[Object]:
    # TensorFlow would use the number of cores of the node, and not of the pod.
    threads = str(max(1, math.floor(_cores(plan.settings.cpu))))
    values = {
        "HOME": "/tmp",  # noqa: S108  # the user has a number, and no home
        # Events come with the log, from which the launcher reads them (`limbeck.launchers.far_output`).
        events.ENVIRONMENT: far_output.EVENTS,
        "OMP_NUM_THREADS": threads,
        "PYTHONUNBUFFERED": "1",
        "TF_NUM_INTEROP_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_USE_LEGACY_KERAS": "1",
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def _resources(plan: PodPlan) -> Object:
    settings = plan.settings
    requests = {"cpu": settings.cpu, "memory": settings.memory}
    limits = {"memory": settings.memory}
    if settings.accelerators:
        limits[settings.accelerator] = str(settings.accelerators)
    return {"requests": requests, "limits": limits}


def _own_volumes(plan: PodPlan) -> Iterator[tuple[Object, Object]]:
    """Yields further volumes and their mounts, besides those of the step's own pod."""
    settings = plan.settings
    taken = {mount["mountPath"] for mount in plan.surroundings.mounts}
    if settings.claim is not None and settings.mount not in taken:
        yield (
            {"name": _CLAIM, "persistentVolumeClaim": {"claimName": settings.claim}},
            {"name": _CLAIM, "mountPath": settings.mount},
        )
    if settings.accelerators:
        # NCCL passes data between the accelerators of a pod through shared memory. A container has 64 MB of it by
        # default.
        yield (
            {"name": _SHARED_MEMORY, "emptyDir": {"medium": "Memory"}},
            {"name": _SHARED_MEMORY, "mountPath": "/dev/shm"},  # noqa: S108
        )


def _cores(quantity: str) -> float:
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def _plain(argument: str) -> str:
    """Returns an argument that the kubelet leaves unchanged. Otherwise `$(NAME)` would become a variable's value."""
    return argument.replace("$(", "$$(")


def _without_none(values: Object) -> Object:
    return {key: value for key, value in values.items() if value is not None and not key.startswith("_")}
