"""A TFJob, where the training operator of Kubeflow (`kubeflow.org/v1`) is installed. The operator sets TF_CONFIG.

The operator restarts only single replicas, so its restarts are switched off, and our supervisor restarts the job.
"""

from __future__ import annotations

from limbeck.launchers.kubernetes.indexed_job import KEPT_SECONDS
from limbeck.launchers.kubernetes.kind import Kind
from limbeck.launchers.kubernetes.plan import PodPlan
from limbeck.launchers.kubernetes.pod_template import CONTAINER, pod_template
from limbeck.launchers.kubernetes.resources import TF_JOB, Object

_TYPE, _INDEX = "training.kubeflow.org/replica-type", "training.kubeflow.org/replica-index"
# The operator takes the port of TF_CONFIG from the container's port of this name.
_PORT = "tfjob-port"


def body(plan: PodPlan) -> Object:
    """Returns the TFJob."""
    replicas = {"Chief": _replicas(plan, 1)}
    if plan.processes > 1:
        replicas["Worker"] = _replicas(plan, plan.processes - 1)
    return {
        "apiVersion": TF_JOB.api_version,
        "kind": TF_JOB.kind,
        "metadata": plan.main_metadata(),
        "spec": {
            "runPolicy": {
                "backoffLimit": 0,
                # The launcher removes the pods after it has read their logs.
                "cleanPodPolicy": "None",
                "ttlSecondsAfterFinished": KEPT_SECONDS,
            },
            "tfReplicaSpecs": replicas,
        },
    }


def _replicas(plan: PodPlan, count: int) -> Object:
    template = pod_template(plan, ())
    [container] = template["spec"]["containers"]
    assert container["name"] == CONTAINER  # noqa: S101
    container["ports"] = [{"name": _PORT, "containerPort": plan.port}]
    return {"replicas": count, "restartPolicy": "Never", "template": template}


def services(_plan: PodPlan) -> tuple[Object, ...]:
    """Returns nothing: the operator makes a Service for each replica."""
    return ()


def rank_of(pod: Object) -> int | None:
    """Returns the rank of a pod: 0 for the chief, then the workers."""
    labels = pod["metadata"].get("labels", {})
    if _INDEX not in labels:
        return None
    return 0 if labels.get(_TYPE) == "chief" else 1 + int(labels[_INDEX])


KIND = Kind(TF_JOB, body, services, rank_of)
