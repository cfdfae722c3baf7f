"""Simulates one or several runs of a job of Vertex AI on one storage, metadata store and cache."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.pod import image, process
from limbeck.kubeflow.simulate.uris import location
from limbeck.kubeflow.simulate.vertex import engine
from limbeck.kubeflow.simulate.vertex.container import Containers
from limbeck.kubeflow.simulate.vertex.engine import Task
from limbeck.kubeflow.simulate.vertex.job import job_id, read
from limbeck.kubeflow.simulate.vertex.storage import server
from limbeck.kubeflow.simulate.vertex.storage.identity import PROJECT
from limbeck.kubeflow.simulate.vertex.store import Store


@dataclasses.dataclass(frozen=True)
class Request:
    """The arguments of a simulation.

    Attributes:
      text: content of the compiled job.
      parameters: parameters of each run.
      folder: keeps the bucket, the artifacts and the cache.
      pipeline_root: pipeline root of the runs; "" takes the root in the file.
    """

    text: str
    parameters: Sequence[dict[str, Any]]
    folder: Path
    pipeline_root: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one run ended, and what happened in it."""

    tasks: list[Task]
    trace: dict[str, Any]

    @property
    def succeeded(self) -> bool:
        """Returns whether the job would be in the state PIPELINE_STATE_SUCCEEDED."""
        return engine.succeeded(self.tasks)


def simulate(request: Request, tell: Callable[[Task], None] = lambda _: None) -> list[Outcome]:
    """Runs a job, once for each set of parameters.

    Args:
      request: the arguments.
      tell: called with each task when it has ended.

    Raises:
      RefusedError: if Vertex AI, or the client that submits the job, would refuse it.
      UserError: if this machine cannot run containers.
    """
    jobs = [read(request.text, parameters, request.pipeline_root) for parameters in request.parameters]
    process.check()
    request.folder.mkdir(parents=True, exist_ok=True)
    store, buckets = Store(request.folder / "vertex.json"), Buckets(request.folder / "bucket")
    scratch = request.folder / "pods" / uuid.uuid4().hex
    try:
        system = image.build(scratch)
        with server.serving(buckets, scratch / "storage") as variables:
            seen = dataclasses.replace(
                system, mounts=(*system.mounts, (scratch / "storage/shown", server.CERTIFICATE))
            )
            containers = Containers(seen, buckets, store, scratch / "pod", {**variables, **_ENVIRONMENT})
            found = []
            for job, parameters in zip(jobs, request.parameters, strict=True):
                identity = job_id(job.name, _now())
                tasks = engine.run(job, identity, store, containers, tell)
                sizes = buckets.of(location(job.root)).sizes()
                found.append(Outcome(tasks, _trace(identity, parameters, tasks, store, sizes)))
            return found
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        with contextlib.suppress(OSError):
            scratch.parent.rmdir()


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S%f")


def _alone(role: str) -> str:
    cluster = {"cluster": {role: ["127.0.0.1:2222"]}, "environment": "cloud", "task": {"type": role, "index": 0}}
    return json.dumps(cluster)


_ENVIRONMENT = {
    "CLOUD_ML_PROJECT_ID": PROJECT,
    "CLUSTER_SPEC": _alone("workerpool0"),
    "TF_CONFIG": _alone("chief"),
    "VERTEX_AI_PIPELINES_RUN_LABELS": json.dumps({"vertex-ai-pipelines-run-billing-id": "1"}),
}


def _trace(
    identity: str, parameters: dict[str, Any], tasks: list[Task], store: Store, sizes: dict[str, int]
) -> dict[str, Any]:
    return {
        "job": identity,
        "parameters": parameters,
        "state": "SUCCEEDED" if engine.succeeded(tasks) else "FAILED",
        "tasks": [dataclasses.asdict(task) for task in tasks],
        "artifacts": store.artifacts,
        "bucket": sizes,
    }
