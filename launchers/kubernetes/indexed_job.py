"""An Indexed Job and a headless Service, which every cluster supports.

The first failure ends the whole Job (`backoffLimit: 0`), and our supervisor starts a new Job from the checkpoint. With
a limit for each index, Kubernetes would restart a single process, which could not rejoin the others.
"""

from __future__ import annotations

from limbeck.launchers.kubernetes.kind import Kind, completion_index
from limbeck.launchers.kubernetes.plan import ATTEMPT, PodPlan
from limbeck.launchers.kubernetes.pod_template import CONTAINER, pod_template
from limbeck.launchers.kubernetes.resources import JOB, SERVICE, Object
from limbeck.trainer.process import preemption

# Kubernetes removes the job after this time if no launcher is left to do it.
KEPT_SECONDS = 24 * 3600


def addresses(plan: PodPlan) -> tuple[str, ...]:
    """Returns `host:port` of each rank; empty if there is only one process, because it has no peers."""
    if plan.processes == 1:
        return ()
    return tuple(
        f"{plan.name}-{rank}.{plan.name}.{plan.namespace}.svc:{plan.port + rank}" for rank in range(plan.processes)
    )


def body(plan: PodPlan) -> Object:
    """Returns the Job."""
    subdomain = plan.name if plan.processes > 1 else None
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": plan.main_metadata(),
        "spec": {
            **job_spec(plan, pod_template(plan, addresses(plan), subdomain)),
            "ttlSecondsAfterFinished": KEPT_SECONDS,
        },
    }


def job_spec(plan: PodPlan, template: Object) -> Object:
    """Returns the spec of an Indexed Job with one pod for each process, all of which start or fail together."""
    return {
        "completionMode": "Indexed",
        "completions": plan.processes,
        "parallelism": plan.processes,
        "backoffLimit": 0,
        # With `backoffLimit: 0`, these rules change no count. But with them, the Job says why it failed.
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {
                    "action": "FailJob",
                    "onExitCodes": {
                        "containerName": CONTAINER,
                        "operator": "In",
                        "values": [preemption.EXIT_CODE],
                    },
                },
            ]
        },
        # If a rank had a new pod while its old pod still ends, TensorFlow would refuse it: "Duplicate task".
        "podReplacementPolicy": "Failed",
        "template": template,
    }


def services(plan: PodPlan) -> tuple[Object, ...]:
    """Returns the Service that gives each pod a name; none if there is only one process."""
    if plan.processes == 1:
        return ()
    ports = [
        {"name": f"rank-{rank}", "port": plan.port + rank, "targetPort": plan.port + rank}
        for rank in range(plan.processes)
    ]
    return (
        {
            "apiVersion": SERVICE.api_version,
            "kind": SERVICE.kind,
            "metadata": plan.metadata(),
            "spec": {
                "clusterIP": "None",
                # A pod needs the names of its peers before it is ready.
                "publishNotReadyAddresses": True,
                "selector": {ATTEMPT: plan.attempt},
                "ports": ports,
            },
        },
    )


KIND = Kind(JOB, body, services, completion_index)
