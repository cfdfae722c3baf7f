"""Executions as KFP records them in ML Metadata, and the contexts that they belong to."""

from __future__ import annotations

import dataclasses
from typing import Any

CONTAINER, DAG, IMPORTER = "system.ContainerExecution", "system.DAGExecution", "system.ImporterExecution"


@dataclasses.dataclass(frozen=True)
class PipelineContexts:
    """The contexts of a pipeline and of one run of it.

    Attributes:
      pipeline: context of the pipeline.
      run: context of the run.
      root: URI below which the run's outputs go.
      session: how to open the bucket of `root`.
    """

    pipeline: Any
    run: Any
    root: str
    session: str


@dataclasses.dataclass(frozen=True)
class NewExecution:
    """An execution before it runs.

    Attributes:
      kind: its type's name.
      task: the task's name.
      display_name: as the UI shows it.
      name: unique name; empty for all but the root.
      parent: id of the DAG around it; 0 for the root.
      triggered: false if its condition is false.
      inputs: parameters; None leaves them out.
      artifacts: ids of the input artifacts by key.
      properties: further custom properties.
    """

    kind: str
    task: str
    display_name: str
    name: str = ""
    parent: int = 0
    triggered: bool = True
    inputs: dict[str, Any] | None = None
    artifacts: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    properties: dict[str, Any] = dataclasses.field(default_factory=dict)
