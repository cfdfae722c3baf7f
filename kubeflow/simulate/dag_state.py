"""The state of a DAG in ML Metadata, which the launchers of its tasks set."""

from __future__ import annotations

from ml_metadata.proto import metadata_store_pb2 as pb

from limbeck.kubeflow.simulate.executions import PipelineContexts
from limbeck.kubeflow.simulate.metadata import Metadata

_FINISHED = ("COMPLETE", "CACHED", "CANCELED")


def update(metadata: Metadata, contexts: PipelineContexts, number: int) -> None:
    """Sets the state of a DAG from the states of its tasks, as a launcher does at its end.

    The root does not know its number of tasks. From 2.17 on, it stays RUNNING for ever. In older releases, it is
    COMPLETE as long as no task is complete.
    """
    dag = metadata.execution(number)
    properties = {key: value.int_value for key, value in dag.custom_properties.items()}
    iterates = "iteration_count" in properties and metadata.rules.counts_iterations
    expected = properties["iteration_count"] if iterates else properties.get("total_dag_tasks", 0)
    if expected == 0 and not iterates and not metadata.rules.updates_root:
        return
    states = [pb.Execution.State.Name(each.last_known_state) for each in metadata.tasks(contexts, number)]
    if sum(state in _FINISHED for state in states) == expected:
        metadata.set_state(number, "COMPLETE")
    elif "FAILED" in states:
        metadata.set_state(number, "FAILED")
    else:
        return
    parent = properties.get("parent_dag_id", 0)
    if parent and metadata.rules.passes_state_up:
        update(metadata, contexts, parent)
