"""One run of a job: decides when each task runs, and which tasks do not run."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal

from limbeck.kubeflow.simulate.cel.condition import holds
from limbeck.kubeflow.simulate.cel.tokens import CelError
from limbeck.kubeflow.simulate.upload.strict import FieldError
from limbeck.kubeflow.simulate.vertex import executor_input
from limbeck.kubeflow.simulate.vertex.cache_key import cache_key
from limbeck.kubeflow.simulate.vertex.container import Containers
from limbeck.kubeflow.simulate.vertex.executor_input import TaskError
from limbeck.kubeflow.simulate.vertex.job import Job
from limbeck.kubeflow.simulate.vertex.storage.identity import PROJECT_NUMBER
from limbeck.kubeflow.simulate.vertex.store import Outputs, Store

Json = dict[str, Any]
# Names of `PipelineTaskDetail.State`. SKIPPED means that the task came from the cache.
State = Literal["SUCCEEDED", "SKIPPED", "NOT_TRIGGERED", "FAILED"]
_DONE = ("SUCCEEDED", "SKIPPED")


@dataclasses.dataclass(frozen=True)
class Task:
    """A task that has ended.

    Attributes:
      name: its key.
      state: its final state.
      attempts: how often its container was started.
      executor_input: its executor input; None if it did not get one.
      error: why it failed.
      log: output of its last container.
    """

    name: str
    state: State
    attempts: int = 0
    executor_input: Json | None = None
    error: str = ""
    log: str = ""


def run(job: Job, identity: str, store: Store, containers: Containers, tell: Callable[[Task], None]) -> list[Task]:
    """Runs all tasks of a job, one at a time. Returns them in the order in which they ended.

    Args:
      job: the job.
      identity: id of the job.
      store: artifacts and cache.
      containers: runs containers.
      tell: called with each task when it has ended.
    """
    tasks: dict[str, Json] = job.spec["root"]["dag"]["tasks"]
    ended: dict[str, Task] = {}
    done: dict[str, Outputs] = {}
    while len(ended) < len(tasks):
        name = _next(tasks, ended)
        if any(ended[each].state not in _DONE for each in _needed(tasks[name])) or (
            job.fails_fast and any(each.state == "FAILED" for each in ended.values())
        ):
            ended[name] = Task(name, "NOT_TRIGGERED")
        else:
            ended[name] = _Execution(job, identity, store, containers, name, done).run()
        tell(ended[name])
    return list(ended.values())


def succeeded(tasks: list[Task]) -> bool:
    """Returns whether a job with these ended tasks succeeds."""
    return all(task.state != "FAILED" for task in tasks)


def _needed(task: Json) -> set[str]:
    sources = task.get("inputs", {})
    references = [
        source[key]["producerTask"]
        for kind, key in (("parameters", "taskOutputParameter"), ("artifacts", "taskOutputArtifact"))
        for source in sources.get(kind, {}).values()
        if key in source
    ]
    return {*task.get("dependentTasks", []), *references}


def _next(tasks: Mapping[str, Json], ended: Mapping[str, Task]) -> str:
    for name in sorted(tasks):
        unknown = _needed(tasks[name]) - tasks.keys()
        if unknown:
            raise TaskError(f"task {name} depends on {min(unknown)}, and there is no such task")
        if name not in ended and _needed(tasks[name]) <= ended.keys():
            return name
    raise TaskError("the tasks depend on each other in a circle")


@dataclasses.dataclass(frozen=True)
class _Execution:
    job: Job
    identity: str
    store: Store
    containers: Containers
    name: str
    done: dict[str, Outputs]

    def run(self) -> Task:
        task = self.job.spec["root"]["dag"]["tasks"][self.name]
        component = self.job.spec["components"][task["componentRef"]["name"]]
        container = self.job.executors[component["executorLabel"]]["container"]
        try:
            given: Json = {
                "inputs": executor_input.inputs(
                    task, component, self.job.parameters, self.done, self.store.artifacts
                )
            }
            condition = task.get("triggerPolicy", {}).get("condition", "")
            if condition and not holds(condition, given["inputs"]):
                return Task(self.name, "NOT_TRIGGERED", executor_input=given)
        except (TaskError, CelError, FieldError) as error:
            return Task(self.name, "FAILED", error=str(error))
        key = cache_key(self.job.name, given["inputs"], component.get("outputDefinitions", {}), container)
        cached = self.store.cached(key) if task.get("cachingOptions", {}).get("enableCache") else None
        if cached is not None:
            self.done[self.name] = cached
            return Task(self.name, "SKIPPED", executor_input=given)
        return self._attempts(task, component, container, given, key)

    def _attempts(self, task: Json, component: Json, container: Json, given: Json, key: str) -> Task:
        # Pauses between attempts take no time.
        most = 1 + int(task.get("retryPolicy", {}).get("maxRetryCount", 0))
        for attempt in range(1, most + 1):
            number = uuid.uuid4().int % 10**19
            folder = f"{self.job.root}/{PROJECT_NUMBER}/{self.identity}/{self.name}_{number}"
            whole = given | {"outputs": executor_input.outputs(folder, component)}
            ended = self.containers.run(whole, component, container)
            if ended.outputs is not None:
                self.done[self.name] = ended.outputs
                if task.get("cachingOptions", {}).get("enableCache"):
                    self.store.remember(key, ended.outputs)
                return Task(self.name, "SUCCEEDED", attempt, whole, log=ended.log)
        return Task(self.name, "FAILED", most, whole, ended.error, ended.log)
