"""The services that run pipelines: a line for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from limbeck.kubeflow.submit.kubeflow import Kubeflow
from limbeck.kubeflow.submit.run import Backend, Place
from limbeck.kubeflow.submit.vertex import Vertex

BACKENDS: Mapping[str, Callable[[Place], Backend]] = MappingProxyType({"kubeflow": Kubeflow, "vertex": Vertex})
