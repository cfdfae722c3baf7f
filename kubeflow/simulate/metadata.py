"""The real ML Metadata store, with the types, properties and states that KFP's driver and launcher write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb

from limbeck.kubeflow.simulate.executions import CONTAINER, NewExecution, PipelineContexts
from limbeck.kubeflow.simulate.properties import get_property, set_property
from limbeck.kubeflow.simulate.versions import Rules


class Metadata:
    """The store of one installation."""

    def __init__(self, path: Path, rules: Rules) -> None:
        config = pb.ConnectionConfig()
        config.sqlite.filename_uri = str(path)
        self.rules = rules
        self.store = metadata_store.MetadataStore(config)
        self._execution_types: dict[str, int] = {}

    def contexts(self, pipeline: str, run: str, root: str = "", session: str = "") -> PipelineContexts:
        """Returns the contexts of a run. Makes them if they do not exist."""
        outer = self._context("system.Pipeline", pipeline, {})
        properties = {"namespace": "", "resource_name": "", "pipeline_root": root, "store_session_info": session}
        if root:
            properties |= {"namespace": "kubeflow", "resource_name": "run-resource"}
        inner = self._context("system.PipelineRun", run, properties)
        if not self.store.get_parent_contexts_by_context(inner.id):
            self.store.put_parent_contexts([pb.ParentContext(child_id=inner.id, parent_id=outer.id)])
        held = {key: value.string_value for key, value in inner.custom_properties.items()}
        return PipelineContexts(outer, inner, held["pipeline_root"], held["store_session_info"])

    def _context(self, kind: str, name: str, properties: dict[str, str]) -> Any:
        found = self.store.get_context_by_type_and_name(kind, name)
        if found is None:
            context = pb.Context(type_id=self.store.put_context_type(pb.ContextType(name=kind)), name=name)
            for key, value in properties.items():
                context.custom_properties[key].string_value = value
            self.store.put_contexts([context])
            found = self.store.get_context_by_type_and_name(kind, name)
        return found

    def create(self, contexts: PipelineContexts, new: NewExecution) -> int:
        """Stores an execution, and returns its id."""
        if new.kind not in self._execution_types:
            self._execution_types[new.kind] = self.store.put_execution_type(pb.ExecutionType(name=new.kind))
        execution = pb.Execution(type_id=self._execution_types[new.kind])
        if new.name:
            execution.name = new.name
        execution.last_known_state = pb.Execution.RUNNING if new.triggered else pb.Execution.CANCELED
        properties = {"display_name": new.display_name, "task_name": new.task, **new.properties}
        if new.parent:
            properties["parent_dag_id"] = new.parent
        if new.kind == CONTAINER:
            properties = {"pod_name": "", "pod_uid": "", "namespace": "", "image": "", **properties}
        if new.inputs is not None:
            properties["inputs"] = new.inputs
        for key, value in properties.items():
            set_property(execution.custom_properties[key], value)
        events = [
            (None, _event(pb.Event.INPUT, key, each)) for key, ids in sorted(new.artifacts.items()) for each in ids
        ]
        number, _, _ = self.store.put_execution(execution, events, [contexts.pipeline, contexts.run])
        return int(number)

    def execution(self, number: int) -> Any:
        """Returns an execution by its id."""
        return self.store.get_executions_by_id([number])[0]

    def start(self, number: int, pod: str, uid: str) -> Any:
        """Records the pod in which an execution runs. Returns the execution."""
        execution = self.execution(number)
        for key, value in (("pod_name", pod), ("pod_uid", uid), ("namespace", "kubeflow")):
            execution.custom_properties[key].string_value = value
        execution.last_known_state = pb.Execution.RUNNING
        self.store.put_executions([execution])
        return execution

    def publish(
        self,
        contexts: PipelineContexts,
        number: int,
        state: str,
        parameters: dict[str, Any] | None,
        artifacts: list[tuple[str, Any]],
    ) -> None:
        """Ends an execution.

        Args:
          contexts: contexts of the run.
          number: id of the execution.
          state: COMPLETE, FAILED or CACHED.
          parameters: its output parameters; None leaves them out.
          artifacts: its output artifacts with their keys. Artifacts without id are stored, too.
        """
        execution = self.execution(number)
        execution.last_known_state = pb.Execution.State.Value(state)
        if parameters is not None:
            set_property(execution.custom_properties["outputs"], parameters)
        pairs = [
            (None if artifact.id else artifact, _event(pb.Event.OUTPUT, key, artifact.id))
            for key, artifact in artifacts
        ]
        self.store.put_execution(execution, pairs, [contexts.pipeline, contexts.run])

    def artifact_type(self, title: str) -> int:
        """Returns the id of an artifact type. Stores the type if it does not exist."""
        return int(self.store.put_artifact_type(pb.ArtifactType(name=title)))

    def record(self, artifact: Any) -> Any:
        """Stores an artifact, and returns it with its id."""
        (number,) = self.store.put_artifacts([artifact])
        return self.store.get_artifacts_by_id([number])[0]

    def parameters(self, execution: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Returns the input and output parameters of an execution."""
        properties = execution.custom_properties
        inputs, outputs = (
            get_property(properties[key]) if key in properties else {} for key in ("inputs", "outputs")
        )
        return inputs, outputs

    def inputs(self, number: int) -> dict[str, Any]:
        """Returns the input artifacts of an execution by key."""
        return self._by_key(number, pb.Event.INPUT)

    def outputs(self, number: int) -> dict[str, Any]:
        """Returns the output artifacts of an execution by key."""
        return self._by_key(number, pb.Event.OUTPUT)

    def _by_key(self, number: int, kind: int) -> dict[str, Any]:
        events = [event for event in self.store.get_events_by_execution_ids([number]) if event.type == kind]
        keys = {event.artifact_id: event.path.steps[0].key for event in events}
        found = self.store.get_artifacts_by_id(list(keys)) if keys else []
        return {keys[artifact.id]: artifact for artifact in found}

    def tasks(self, contexts: PipelineContexts, dag: int) -> list[Any]:
        """Returns the executions of a DAG in a run."""
        query = f"custom_properties.parent_dag_id.int_value = {dag}"
        options = metadata_store.ListOptions(filter_query=query)
        return sorted(self.store.get_executions_by_context(contexts.run.id, options), key=lambda each: each.id)

    def set_state(self, number: int, state: str) -> None:
        """Sets the state of an execution."""
        execution = self.execution(number)
        execution.last_known_state = pb.Execution.State.Value(state)
        self.store.put_executions([execution])


def _event(kind: int, key: str, artifact: int = 0) -> Any:
    event = pb.Event(type=kind, path=pb.Event.Path(steps=[pb.Event.Path.Step(key=key)]))
    if artifact:
        event.artifact_id = artifact
    return event
