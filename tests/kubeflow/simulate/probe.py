"""Small pipelines whose steps tell what they were given, and do what their first argument asks.

The traces were made with the same probe, so its text is taken from one of them.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.simulation import Outcome, Request, simulate
from limbeck.kubeflow.simulate.versions import rules

TRACES = Path(__file__).parent / "traces"
DATASET = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
# A store in memory need not wait for a disk at each of its writes.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
Json = dict[str, Any]


def _command() -> list[str]:
    spec = json.loads((TRACES / "2.17.0" / "failure" / "pipeline.json").read_text("utf-8"))
    return list(spec["deploymentSpec"]["executors"]["exec-make"]["container"]["command"])


def step(name: str, do: Json, *arguments: str, **definitions: Json) -> Json:
    """A container component and its executor.

    Args:
      name: of the task.
      do: what the probe does.
      arguments: further ones; the probe counts them from 0.
      definitions: `inputDefinitions` and `outputDefinitions`.
    """
    container = {"image": "example/limbeck:1", "command": _command(), "args": [json.dumps(do), *arguments]}
    return {"name": name, "component": {"executorLabel": f"exec-{name}", **definitions}, "container": container}


def task(name: str, *, component: str = "", **fields: Any) -> Json:
    """A task, without cache."""
    return {
        "taskInfo": {"name": name},
        "componentRef": {"name": component or f"comp-{name}"},
        "cachingOptions": {"enableCache": False},
        **fields,
    }


def spec(steps: list[Json], tasks: Json, *, root: Json | None = None, components: Json | None = None) -> Json:
    """A pipeline of steps."""
    return {
        "pipelineInfo": {"name": "probed"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "tfx-1.16.0",
        "components": {**{f"comp-{each['name']}": each["component"] for each in steps}, **(components or {})},
        "deploymentSpec": {
            "executors": {f"exec-{each['name']}": {"container": each["container"]} for each in steps}
        },
        "root": {"dag": {"tasks": tasks}, **(root or {})},
    }


def run(
    pipeline: Json | str, release: str = "2.17", *parameters: Json, objects: Json | None = None, root: str = ""
) -> list[Outcome]:
    """Simulates runs of a pipeline on a store of their own; `objects` lie in the bucket before."""
    text = pipeline if isinstance(pipeline, str) else json.dumps(pipeline)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        bucket = Bucket(Path(folder, "bucket", "minio", "mlpipeline"))
        for key, content in (objects or {}).items():
            bucket.put_text(key, content)
        request = Request(text, rules(release), parameters or ({},), Path(folder), pipeline_root=root)
        return simulate(request, lambda _: None)


def trace(pipeline: Json, release: str = "2.17", **parameters: Any) -> Json:
    """The trace of one run."""
    return run(pipeline, release, parameters)[0].trace


def found(trace_of_run: Json, node: str) -> Json:
    """What the trace tells of a node."""
    (task_of_node,) = (each for each in trace_of_run["tasks"] if each["node"] == node)
    return dict(task_of_node)


def given(trace_of_run: Json, node: str) -> list[Any]:
    """The arguments that a step got after the probe's own."""
    return list(found(trace_of_run, node)["said"][0]["probe"]["argv"])
