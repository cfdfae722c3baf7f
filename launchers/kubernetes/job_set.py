"""A JobSet with one Indexed Job, where JobSet is installed. It makes the headless Service by itself.

JobSet could also restart the whole set. This is switched off, because our supervisor knows which failures are worth a
restart.
"""

from __future__ import annotations

from limbeck.launchers.kubernetes.indexed_job import KEPT_SECONDS, job_spec
from limbeck.launchers.kubernetes.kind import Kind, completion_index
from limbeck.launchers.kubernetes.plan import PodPlan
from limbeck.launchers.kubernetes.pod_template import pod_template
from limbeck.launchers.kubernetes.resources import JOB_SET, Object

_JOB = "training"


def addresses(plan: PodPlan) -> tuple[str, ...]:
    """Returns `host:port` of each rank, with the names that JobSet gives its pods."""
    if plan.processes == 1:
        return ()
    return tuple(
        f"{plan.name}-{_JOB}-0-{rank}.{plan.name}.{plan.namespace}.svc:{plan.port + rank}"
        for rank in range(plan.processes)
    )


def body(plan: PodPlan) -> Object:
    """Returns the JobSet."""
    return {
        "apiVersion": JOB_SET.api_version,
        "kind": JOB_SET.kind,
        "metadata": plan.main_metadata(),
        "spec": {
            "network": {
                "enableDNSHostnames": True,
                "publishNotReadyAddresses": True,
                "subdomain": plan.name,
            },
            "failurePolicy": {"maxRestarts": 0},
            "replicatedJobs": [
                {
                    "name": _JOB,
                    "replicas": 1,
                    "template": {
                        "metadata": {"labels": dict(plan.labels)},
                        "spec": job_spec(plan, pod_template(plan, addresses(plan))),
                    },
                }
            ],
            "ttlSecondsAfterFinished": KEPT_SECONDS,
        },
    }


def services(_plan: PodPlan) -> tuple[Object, ...]:
    """Returns nothing: JobSet makes its Service."""
    return ()


KIND = Kind(JOB_SET, body, services, completion_index)
