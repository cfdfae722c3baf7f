"""Writes CPU, memory and accelerators into containers, as the target reads them.

TFX's compiler does not write them. Kubeflow Pipelines reads strings (quantities of Kubernetes), and uses the type of an
accelerator as the name of a resource. It also reads the numeric fields, but rounds them. Vertex AI documents the
numeric fields (cores, and gigabytes of 10^9 bytes), and has constants for accelerators.
"""

from __future__ import annotations

import copy

from limbeck.kubeflow.node_containers import Containers
from limbeck.kubeflow.specification import Spec, component_of, container_of, tasks
from limbeck.settings.containers import ContainerConfig
from limbeck.settings.quantities import cores, size

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "TFX has platform_config for some nodes, and ignores it for ExampleGen (tensorflow/tfx#6146)"
_GIGABYTE = 10**9


def set_resources(spec: Spec, containers: Containers, target: str) -> Spec:
    """A spec whose containers have the resources that are asked for; the rest stay as they are.

    Args:
      spec: stays as it is.
      containers: what is asked for, by task.
      target: `kubeflow` or `vertex`.
    """
    spec = copy.deepcopy(spec)
    for name, task in tasks(spec):
        container = container_of(spec, component_of(spec, task))
        if container is None or name not in containers:
            continue
        resources = (_vertex if target == "vertex" else _kubeflow)(containers[name])
        if resources:
            container["resources"] = resources
    return spec


def _kubeflow(asked: ContainerConfig) -> Spec:
    texts = {
        "resourceCpuLimit": asked.cpu,
        "resourceCpuRequest": asked.cpu_request,
        "resourceMemoryLimit": asked.memory,
        "resourceMemoryRequest": asked.memory_request,
    }
    resources: Spec = {name: text for name, text in texts.items() if text is not None}
    if asked.accelerator.number:
        accelerator = {"resourceType": asked.accelerator.type, "resourceCount": str(asked.accelerator.number)}
        resources["accelerator"] = accelerator
    return resources


def _vertex(asked: ContainerConfig) -> Spec:
    resources: Spec = {}
    if asked.cpu is not None:
        resources["cpuLimit"] = float(cores(asked.cpu))
    if asked.memory is not None:
        resources["memoryLimit"] = float(size(asked.memory) / _GIGABYTE)
    if asked.accelerator.number:
        # 64 bits, which the JSON of a message has as a text.
        resources["accelerator"] = {
            "type": asked.accelerator.type,
            "count": str(asked.accelerator.number),
        }
    return resources
