"""The arguments of a driver, its decisions, and its errors."""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.kubeflow.simulate.cache import Cache
from limbeck.kubeflow.simulate.executions import PipelineContexts
from limbeck.kubeflow.simulate.metadata import Metadata
from limbeck.kubeflow.simulate.versions import Rules

# A parameter that is there and holds no value of any kind, as a default that was not filled in.
UNSET = object()
MAXIMUM_ARGUMENT = 131072


class DriverError(Exception):
    """A driver that fails; the message is for the user.

    Attributes:
      exit_code: 1, or 2 where the driver's process dies.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NullParameterError(DriverError):
    """An input that takes its value from a parameter that is null."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One run, as all its drivers and launchers know it.

    Attributes:
      pipeline: the pipeline's name.
      identity: the run's id.
      workflow: name of the workflow.
      display_name: the run's name in the UI.
      created: time of creation, RFC 3339.
      rules: of the release.
      metadata: the store.
      cache: what has run before.
      contexts: of the run; set by the root's driver.
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
    """What the driver of a task is given.

    Attributes:
      run: the run.
      kind: `DAG` or `CONTAINER`.
      component: its spec.
      task: the task's spec.
      name: the task's key.
      dag: execution id of the DAG around it.
      container: spec of its container; empty for a DAG.
      platform: its entry in the platform document; None without one.
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
        """A failure with the task that it is about."""
        return f"task {self.name!r} of pipeline {self.run.pipeline!r}: {reason}"


@dataclasses.dataclass
class Decision:
    """What a driver decided, as far as it came.

    Attributes:
      executor_input: None where it failed before it had one.
      execution: id of the execution; 0 where there is none.
      condition: None for a task without one.
      cached: whether outputs of an earlier run are used; None where that was not asked.
      iterations: number of iterations of a loop; None for anything else.
      pod: the pod of the executor; None where none is to start.
      error: why it failed.
      exit_code: of its process.
    """

    executor_input: dict[str, Any] | None = None
    execution: int = 0
    condition: bool | None = None
    cached: bool | None = None
    iterations: int | None = None
    pod: dict[str, Any] | None = None
    error: str = ""
    exit_code: int = 0
