"""Refuses settings that the target does not support.

Vertex AI runs containers on separate machines for each task, and not in pods, so it would silently ignore a platform
document. An accelerator that is spelt in the way of the other target would fail only when its task starts, after all
tasks before it have run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from limbeck.errors import ConfigError
from limbeck.kubeflow.node_containers import Section
from limbeck.kubeflow.specification import Spec

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "none: the targets differ"
# What Vertex AI has not, and what there is instead.
_NOT_ON_VERTEX: Mapping[str, str] = {
    "cpu_request": "it has no requests beside limits: give cpu",
    "memory_request": "it has no requests beside limits: give memory",
    "timeout": "it has no timeout of a task: leave it out, and cancel the run",
    "node_selector": "it has no node selectors: it takes a machine that has the cpu, memory and accelerator asked for",
    "tolerations": "it has no tolerations: it takes a machine that has the cpu, memory and accelerator asked for",
    "secrets": "it has no secrets of Kubernetes: give the run a service account that may read what it needs",
    "claims": "it has no volumes: keep the data in gs://",
    "empty_dirs": "it has no volumes: a container may write to its own disk",
    "labels": "it has no labels of a task: give them to the run",
    "annotations": "it has no annotations",
    "image_pull_policy": "it pulls the image for each task: leave it out",
    "image_pull_secrets": "it pulls the image with the rights of the run's service agent: let that read the registry",
}


def assert_available(spec: Spec, section: Section, target: str) -> Spec:
    """Returns the spec. Raises ConfigError for a setting of `containers` that the target does not have."""
    for node, container in section.items():
        if target == "vertex":
            for name, reason in _NOT_ON_VERTEX.items():
                # An empty one asks for nothing.
                if getattr(container, name):
                    raise ConfigError(f"containers.{node}.{name} is not for Vertex AI: {reason}")
        kind = container.accelerator.type
        constant = re.fullmatch("[A-Z0-9_]+", kind or "") is not None
        if kind is not None and constant != (target == "vertex"):
            example = (
                "Vertex AI has constants such as NVIDIA_TESLA_T4"
                if target == "vertex"
                else "Kubernetes has resources such as nvidia.com/gpu, and a node selector for their model"
            )
            raise ConfigError(f"containers.{node}.accelerator.type={kind} is of the other target: {example}")
    return spec
