"""The body of a custom job, as the REST API of Vertex AI takes it: a pure function of a plan.

By default, Vertex AI restarts a single failed process, up to five times, but this process cannot rejoin a running
TensorFlow job. So these restarts are switched off: the first failure ends the job, and `limbeck.launchers.supervisor`
decides whether to create another job.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.settings.vertex import VertexConfig

Json = dict[str, Any]
# The label by which a job is found if the answer to its creation was lost.
LABEL = "limbeck-attempt"
COMMAND = ("python", "-m", "limbeck.launchers.vertex.in_replica")
_LONGEST_NAME = 128


@dataclasses.dataclass(frozen=True)
class Plan:
    """One attempt at a training job.

    Attributes:
      title: what is trained, in words.
      identity: identity of the attempt: small letters, digits and dashes.
      files: gs:// folder of the attempt.
      processes: number of processes, including the chief.
      settings: the section; `check` has been called.
    """

    title: str
    identity: str
    files: str
    processes: int
    settings: VertexConfig


def custom_job(plan: Plan) -> Json:
    """Returns the body of the custom job. Vertex AI wants the chief in the first pool, and workers in the second."""
    settings = plan.settings
    pools = [_trainers(plan, 1)]
    if plan.processes > 1:
        pools.append(_trainers(plan, plan.processes - 1))
    if settings.reduction_servers:
        pools.append(_reduction(settings))
    scheduling: Json = {
        "timeout": f"{settings.hours * 3600:.0f}s",
        "restartJobOnWorkerRestart": False,
        "disableRetries": True,
        "strategy": "SPOT" if settings.spot else "STANDARD",
    }
    spec: Json = {"workerPoolSpecs": pools, "scheduling": scheduling}
    if settings.service_account is not None:
        spec["serviceAccount"] = settings.service_account
    if settings.network is not None:
        spec["network"] = settings.network
    return {
        "displayName": f"limbeck {plan.title} {plan.identity}"[:_LONGEST_NAME],
        "jobSpec": spec,
        "labels": {LABEL: plan.identity},
    }


def _trainers(plan: Plan, count: int) -> Json:
    settings = plan.settings
    machine: Json = {"machineType": settings.machine}
    if settings.accelerators:
        machine |= {"acceleratorType": settings.accelerator, "acceleratorCount": settings.accelerators}
    container = {
        "imageUri": settings.image,
        "command": list(COMMAND),
        "args": ["--files", plan.files, "--start-seconds", f"{settings.start_seconds:g}"],
    }
    return {
        "machineSpec": machine,
        "replicaCount": str(count),
        "diskSpec": {"bootDiskType": "pd-ssd", "bootDiskSizeGb": settings.disk_gigabytes},
        "containerSpec": container,
    }


def _reduction(settings: VertexConfig) -> Json:
    return {
        "machineSpec": {"machineType": settings.reduction_machine},
        "replicaCount": str(settings.reduction_servers),
        "containerSpec": {"imageUri": settings.reduction_image},
    }
