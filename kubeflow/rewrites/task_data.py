"""Adds the task `TaskData`, which writes the data of a built-in task.

A local run writes these data into its folder before TFX begins. A cluster has no such folder, and a user would have to
copy the data to a path by hand. Here the data are an artifact below the pipeline root, in any store: KFP uploads and
downloads it. The task is cached by a digest of the code that writes the data, so they are the same artifact in every
run.
"""

from __future__ import annotations

import copy
import dataclasses

from limbeck.kubeflow.rewrites.data_fingerprint import NODE as FINGERPRINT
from limbeck.kubeflow.rewrites.data_fingerprint import add_container_task, add_dependency
from limbeck.kubeflow.specification import EXECUTOR_INPUT, Spec

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "none: TFX reads data, and brings none"
NODE, OUTPUT = "TaskData", "data"
_KIND = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}


@dataclasses.dataclass(frozen=True)
class TaskData:
    """Data that a task writes by itself.

    Attributes:
      task: the reference to the task, as JSON.
      digest: of the code that writes the data.
    """

    task: str
    digest: str


def add_task_data(spec: Spec, data: TaskData | None, target: str) -> Spec:
    """A spec in which `DataFingerprint` and the node behind it read the output of `TaskData`.

    Args:
      spec: stays as it is; has the task `DataFingerprint`.
      data: what is written; None where the user gives data, and nothing is added.
      target: what the pipeline is compiled for.
    """
    spec = copy.deepcopy(spec)
    if data is None:
        return spec
    constants = {"task": data.task, "code_digest": data.digest}
    add_container_task(
        spec,
        NODE,
        task={"inputs": {"parameters": {k: {"runtimeValue": {"constant": v}} for k, v in constants.items()}}},
        component={
            "inputDefinitions": {"parameters": {key: {"parameterType": "STRING"} for key in constants}},
            "outputDefinitions": {"artifacts": {OUTPUT: copy.deepcopy(_KIND)}},
        },
        container={
            "command": ["python", "-m", "limbeck.kubeflow.task_data"],
            "args": ["--node", NODE, "--target", target, "--invocation", EXECUTOR_INPUT],
        },
    )
    for task in spec["root"]["dag"]["tasks"].values():
        if task["taskInfo"]["name"] == FINGERPRINT or FINGERPRINT in task.get("dependentTasks", []):
            _read(task, spec["components"][task["componentRef"]["name"]])
    return spec


def _read(task: Spec, component: Spec) -> None:
    """Puts the artifact in the place of the path."""
    del task["inputs"]["parameters"]["input_base"]
    del component["inputDefinitions"]["parameters"]["input_base"]
    output = {"taskOutputArtifact": {"producerTask": NODE, "outputArtifactKey": OUTPUT}}
    task["inputs"].setdefault("artifacts", {})[OUTPUT] = output
    component["inputDefinitions"].setdefault("artifacts", {})[OUTPUT] = copy.deepcopy(_KIND)
    add_dependency(task, NODE)
