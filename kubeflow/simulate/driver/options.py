"""The arguments of a driver, its decisions, and its errors."""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.kubeflow.simulate.cache import Cache
from limbeck.kubeflow.simulate.executions import PipelineContexts
from limbeck.kubeflow.simulate.metadata import Metadata
from limbeck.kubeflow.simulate.versions import Rules

# A parameter that exists but has no value of any kind, such as a default that was not filled in.
UNSET = object()
MAXIMUM_ARGUMENT = 131072


class DriverError(Exception):
    """A driver fails. The message is for the user.

    Attributes:
      exit_code: 1, or 2 if the driver's process dies.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NullParameterError(DriverError):
    """An input takes its value from a parameter that is null."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: the data that all its drivers and launchers share.

    Attributes:
      pipeline: the pipeline's name.
      identity: the run's id.
      workflow: name of the workflow.
      display_name: the run's name in the UI.
      created: time of creation, RFC 3339.
      rules: rules of the release.
      metadata: the store.
      cache: the cache.
      contexts: contexts of the run; the root's driver sets them.
    """

    pipeline: str
    identity: str
    workflow: str
    display_name: str
    created: str
    rules: Rules
    metadata: Metadata
    cache: Cache

    @property
    def contexts(self) -> PipelineContexts:
        """The contexts of the run, which the root's driver made."""
        return self.metadata.contexts(self.pipeline, self.identity)


@dataclasses.dataclass(frozen=True)
class Options:
    """The arguments of a task's driver.

    Attributes:
      run: the run.
      kind: `DAG` or `CONTAINER`.
      component: its spec.
      task: the task's spec.
      name: the task's key.
      dag: execution id of the DAG around it.
      container: spec of its container; empty for a DAG.
      platform: its entry in the platform document; None if there is none.
      iteration: index of the iteration, -1 outside a loop.
    """

    run: Run
    kind: str
    component: dict[str, Any]
    task: dict[str, Any]
    name: str
    dag: int
    container: dict[str, Any]
    platform: dict[str, Any] | None
    iteration: int

    @property
    def display_name(self) -> str:
        """The task's name in the UI."""
        return str(self.task.get("taskInfo", {}).get("name", ""))

    @property
    def task_name(self) -> str:
        """The task's name in ML Metadata and in the bucket: its key; before 2.15 its display name."""
        return self.name if self.run.rules.folder_by_key else self.display_name

    def told(self, reason: object) -> str:
        """Returns an error that names the task."""
        return f"task {self.name!r} of pipeline {self.run.pipeline!r}: {reason}"


@dataclasses.dataclass
class Decision:
    """The decisions of a driver, until its end or its failure.

    Attributes:
      executor_input: the executor input; None if the driver failed before.
      execution: id of the execution; 0 if there is none.
      condition: the value of the condition; None for a task without one.
      cached: whether outputs of an earlier run are used; None if the cache was not asked.
      iterations: number of iterations of a loop; None for anything else.
      pod: the pod of the executor; None if none is to start.
      error: why it failed.
      exit_code: exit code of its process.
    """

    executor_input: dict[str, Any] | None = None
    execution: int = 0
    condition: bool | None = None
    cached: bool | None = None
    iterations: int | None = None
    pod: dict[str, Any] | None = None
    error: str = ""
    exit_code: int = 0
