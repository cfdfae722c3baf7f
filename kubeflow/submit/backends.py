"""The services that run pipelines: a line for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kubeflow.submit.kubeflow import Kubeflow
from kubeflow.submit.run import Backend, Place
from kubeflow.submit.vertex import Vertex

BACKENDS: Mapping[str, Callable[[Place], Backend]] = MappingProxyType({"kubeflow": Kubeflow, "vertex": Vertex})
