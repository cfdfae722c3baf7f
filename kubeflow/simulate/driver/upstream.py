"""Finds the outputs of earlier tasks in ML Metadata, including those within DAGs and loops."""

from __future__ import annotations

import json
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from limbeck.kubeflow.simulate.driver.options import UNSET, DriverError, Options
from limbeck.kubeflow.simulate.executions import DAG
from limbeck.kubeflow.simulate.properties import get_property

_DONE = ("CACHED", "COMPLETE")


class Upstream:
    """The executions that a task can see: those of the DAG around it, and of the DAGs within that DAG."""

    def __init__(self, options: Options) -> None:
        self._metadata = options.run.metadata
        self._contexts = options.run.contexts
        self._rules = options.run.rules
        self.dag = self._metadata.execution(options.dag)
        self._tasks = self._below(self.dag)

    def parameter(self, producer: str, key: str) -> Any:
        """Returns a producer's output parameter; UNSET if it is missing; for a loop, the list over its iterations."""
        name = self._find(producer)
        while self._is_dag(name):
            if self._iterations(name) > 0:
                return [self._parameter_of(each, last) for each, last in self._collected(name, key, "parameter")]
            name, key = self._selected(name, key, "parameter")
        return self._parameter_of(name, key)

    def artifacts(self, producer: str, key: str) -> list[Any]:
        """Returns a producer's output artifact in a list; for a loop, one artifact for each iteration."""
        name = self._find(producer)
        while self._is_dag(name):
            if self._iterations(name) > 0:
                return [self._artifact_of(each, last) for each, last in self._collected(name, key, "artifact")]
            name, key = self._selected(name, key, "artifact")
        return [self._artifact_of(name, key)]

    def state(self, producer: str) -> tuple[str, str]:
        """Returns the name and the state of a task."""
        name = self._key(producer, self.dag.id)
        if name not in self._tasks:
            raise DriverError(f"task {producer!r}, whose final status is asked for, has no execution", exit_code=2)
        execution = self._tasks[name]
        return _text(execution, "task_name"), pb.Execution.State.Name(execution.last_known_state)

    def _find(self, producer: str) -> str:
        name = self._key(producer, self.dag.id)
        if "iteration_index" in self.dag.custom_properties:
            name = f"{name}_idx_{self.dag.custom_properties['iteration_index'].int_value}"
        if name not in self._tasks:
            raise DriverError(
                f"cannot find the producer task {producer!r}: there are {', '.join(self._tasks) or 'none'}"
            )
        return name

    def _below(self, dag: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for execution in self._metadata.tasks(self._contexts, dag.id):
            name = self._key(_text(execution, "task_name"), dag.id)
            for holder in (execution, dag):
                if "iteration_index" in holder.custom_properties:
                    name = f"{name}_idx_{holder.custom_properties['iteration_index'].int_value}"
                    break
            if name in found:
                raise DriverError(f"two tasks are called {_text(execution, 'task_name')!r}")
            found[name] = execution
        for execution in list(found.values()):
            if execution.type == DAG:
                found |= self._below(execution)
        return found

    def _key(self, task: str, dag: int) -> str:
        return f"{task}_{dag}" if self._rules.folder_by_key else task

    def _is_dag(self, name: str) -> bool:
        if name not in self._tasks:
            raise DriverError(f"{name} is not among the tasks {', '.join(self._tasks)}")
        return bool(self._tasks[name].type == DAG)

    def _iterations(self, name: str) -> int:
        execution = self._tasks[name]
        holders = [execution, self._metadata.execution(execution.custom_properties["parent_dag_id"].int_value)]
        for holder in holders:
            if "iteration_count" in holder.custom_properties:
                return int(holder.custom_properties["iteration_count"].int_value)
        return 0

    def _collected(self, name: str, key: str, kind: str) -> list[tuple[str, str]]:
        """Returns the containers, and their keys, that give a loop's output, in the order of its iterations."""
        execution = self._tasks[name]
        if execution.type != DAG:
            return [(name, key)]
        if "iteration_count" in execution.custom_properties:
            inner = self._key(_text(execution, "task_name"), execution.id)
            count = execution.custom_properties["iteration_count"].int_value
            names = [f"{inner}_idx_{index}" for index in range(count)]
            return [found for each in names for found in self._collected(each, key, kind)]
        below, selected = self._selected(name, key, kind)
        if "iteration_index" in execution.custom_properties:
            below = f"{below}_idx_{execution.custom_properties['iteration_index'].int_value}"
        return self._collected(below, selected, kind)

    def _selected(self, name: str, key: str, kind: str) -> tuple[str, str]:
        """Returns the task inside a DAG, and its key, that give an output of the DAG."""
        dag = self._tasks[name]
        selectors = _selectors(dag, key, kind)
        if kind == "artifact" and not self._rules.artifact_of_the_done:
            selectors = selectors[-1:]
        if len(selectors) > 1:
            for task, selected in selectors:
                found = self._tasks.get(self._key(task, dag.id))
                if found is not None and pb.Execution.State.Name(found.last_known_state) in _DONE:
                    return self._key(task, dag.id), selected
            raise DriverError(f"none of the tasks that may give output {key!r} of {name} succeeded")
        if not selectors:
            raise DriverError(f"{name} has no output {key!r}")
        task, selected = selectors[0]
        return self._key(task, dag.id), selected

    def _parameter_of(self, name: str, key: str) -> Any:
        return self._metadata.parameters(self._tasks[name])[1].get(key, UNSET)

    def _artifact_of(self, name: str, key: str) -> Any:
        found = self._metadata.outputs(self._tasks[name].id).get(key)
        if found is None:
            # KFP's driver dereferences a null pointer here, and its process dies.
            raise DriverError(f"{name} has no output artifact {key!r}", exit_code=2)
        return found


def _selectors(dag: Any, key: str, kind: str) -> list[tuple[str, str]]:
    properties = dag.custom_properties
    if f"{kind}_producer_task" not in properties:
        return []
    if kind == "artifact":
        spec = json.loads(properties["artifact_producer_task"].string_value).get(key, {})
        return [
            (each["producer_subtask"], each["output_artifact_key"]) for each in spec.get("artifact_selectors", [])
        ]
    text = get_property(properties["parameter_producer_task"]).get(key)
    spec = json.loads(text) if text else {}
    one = [spec["valueFromParameter"]] if "valueFromParameter" in spec else []
    several = spec.get("valueFromOneof", {}).get("parameterSelectors", [])
    return [(each["producerSubtask"], each["outputParameterKey"]) for each in [*one, *several]]


def _text(execution: Any, key: str) -> str:
    return str(execution.custom_properties[key].string_value)
