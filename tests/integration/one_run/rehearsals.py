"""Runs a node of a finished run once more, in a container and from nothing but its serialized invocation.

The invocation is made of what ML Metadata keeps of the first execution, with every path in it as the container sees
it. It is run by TFX's own entry for executors in foreign processes, which is what a cluster would run.
"""

from __future__ import annotations

import base64
import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limbeck import reference
from limbeck.components.graph.context import Storage
from limbeck.reference import TaskRef
from limbeck.settings.operational import Operational
from tests.integration import graphs
from tests.integration.container import Container, Ended, Mount, share
from tests.integration.graphs import Graph
from tests.integration.one_run import outcomes, relocation
from tests.integration.one_run.records import Record, first_record
from tests.integration.one_run.relocation import Relocation

OUTPUTS, CHECKPOINTS = "/mnt/outputs", "/mnt/checkpoints"
_SYSTEM = f"{OUTPUTS}/system"
_RETURNED = f"{_SYSTEM}/returned.pb"
_ENTRY = (
    "from absl import app; from tfx.orchestration.python_execution_binary import entrypoint; "
    "app.run(entrypoint.main)"
)


@dataclasses.dataclass(frozen=True)
class FinishedRun:
    """A run that left its artifacts and its ML Metadata; the first one counts where there are several.

    Attributes:
      graph: what was run.
      storage: where it was run.
      metadata: SQLite file.
      ir: the compiled graph.
    """

    graph: Graph
    storage: Storage
    metadata: Path
    ir: Any


@dataclasses.dataclass(frozen=True)
class Output:
    """An output artifact of the first run, and of the rehearsal.

    Attributes:
      name: of the output.
      original: its folder from the first run.
      made: its folder from the rehearsal.
      recorded: properties in ML Metadata, with paths as the container sees them.
      returned: properties that the executor returned; the driver's are not among them.
      relocation: from the paths that the first run knew to those that the rehearsal knew.
    """

    name: str
    original: Path
    made: Path
    recorded: Mapping[str, Any]
    returned: Mapping[str, Any]
    relocation: Relocation

    def differences(self) -> list[str]:
        """What is not as it was, in words."""
        return outcomes.differences(self.original, self.made, self.relocation) + [
            f"{self.name} has the property {key} = {value}, and had {self.recorded.get(key)}"
            for key, value in self.returned.items()
            if outcomes.plain(value) != outcomes.plain(self.recorded.get(key))
        ]


class Rehearsal:
    """One node of a finished run, ready to be run in a container."""

    def __init__(self, run: FinishedRun, node: str, scratch: Path) -> None:
        """Reads the node's execution, and makes the folders that it may write to in `scratch`, yet to be made."""
        self.node = node
        self.record: Record = first_record(run.metadata, node)
        self.run, self._scratch = run, scratch
        self._relocation = Relocation.of(run.storage, run.graph.task.search_path)
        self._executor = graphs.executor_of(run.ir, node)
        self._outputs = _new_outputs(run.ir, node, self.record.number)
        self.invocation = self._invocation()
        self._mounts = self._mounted()

    def run_in(self, container: Container) -> Ended:
        """Runs it to its end."""
        kind = "beam" if hasattr(self._executor, "python_executor_spec") else "python_class"
        arguments = [
            f"--tfx_execution_info_b64={_base64(self.invocation)}",
            f"--tfx_{kind}_executable_spec_b64={_base64(self._executor)}",
        ]
        operational = Operational.of(self.run.graph.config, CHECKPOINTS)
        return container.run(
            self._scratch / "container",
            ["-c", _ENTRY, *arguments],
            *self._mounts,
            environment=operational.environment() | self._task_folder(),
        )

    def outputs(self) -> list[Output]:
        """What a run in the container was to make."""
        from tfx.proto.orchestration.execution_result_pb2 import ExecutorOutput

        returned = ExecutorOutput.FromString(self._here(_RETURNED).read_bytes()).output_artifacts
        return [
            Output(
                name,
                _folder(first),
                self._here(str(_folder(again))),
                _properties(self._relocation.artifact(first).mlmd_artifact),
                _properties(returned[name].artifacts[index]),
                self._relocation,
            )
            for name, artifacts in self._outputs.items()
            for index, (first, again) in enumerate(zip(self.record.outputs[name], artifacts, strict=True))
        ]

    def differences_elsewhere(self) -> list[str]:
        """The same of the folders besides its outputs that it was given anew; both hold numbered versions."""
        storage = self.run.storage
        given = {mount.place: mount.folder for mount in self._mounts}
        faults = []
        for original, name in ((storage.accepted, relocation.ACCEPTED), (storage.serving, relocation.SERVING)):
            if name in given:
                # Later runs may have added versions to the original.
                made = Path(given[name], "1")
                faults += outcomes.differences(Path(original, "1"), made, self._relocation)
                faults += [] if made.is_dir() else [f"{name} is empty"]
        return faults

    def _invocation(self) -> Any:
        from tfx.orchestration.portable.data_types import ExecutionInfo

        folders = [str(_folder(one)) for artifacts in self._outputs.values() for one in artifacts]
        for place in (*folders, f"{_SYSTEM}/working", f"{_SYSTEM}/temporary"):
            self._here(place).mkdir(parents=True)
        move = self._relocation
        return ExecutionInfo(
            execution_id=self.record.number,
            input_dict={name: [move.artifact(one) for one in given] for name, given in self.record.inputs.items()},
            output_dict=self._outputs,
            exec_properties=self.record.properties(move),
            execution_output_uri=_RETURNED,
            stateful_working_dir=f"{_SYSTEM}/working",
            tmp_dir=f"{_SYSTEM}/temporary/",
        ).to_proto()

    def _mounted(self) -> list[Mount]:
        """Its inputs, the folders that its properties name, and a place for its outputs: no more."""
        named = str(self.invocation.execution_properties)
        inputs = [one.uri for artifacts in self.record.inputs.values() for one in artifacts]
        mounts = [Mount(Path(uri), self._relocation.text(uri)) for uri in inputs]
        if relocation.DATA in named:
            mounts.append(Mount(Path(self.run.storage.data), relocation.DATA))
        if self._task_folder():
            mounts.append(Mount(_copied(self.run.graph.task, self._scratch / "task"), relocation.TASK))
        for place in (relocation.ACCEPTED, relocation.SERVING, CHECKPOINTS):
            # Where checkpoints are is no property.
            if place in named or place == CHECKPOINTS:
                mounts.append(Mount(self._scratch / Path(place).name, place, writable=True))
                mounts[-1].folder.mkdir()
        return [*mounts, Mount(self._here(OUTPUTS), OUTPUTS, writable=True)]

    def _task_folder(self) -> dict[str, str]:
        # Where a user's task is, is no property either.
        return {} if self.run.graph.task.search_path is None else {reference.ENVIRONMENT: relocation.TASK}

    def _here(self, place: str) -> Path:
        """Where something below `OUTPUTS` is outside the container."""
        return self._scratch / "outputs" / Path(place).relative_to(OUTPUTS)


def _new_outputs(ir: Any, node: str, execution: int) -> dict[str, list[Any]]:
    from tfx.orchestration.portable import outputs_utils

    [definition] = [one.pipeline_node for one in ir.nodes if one.pipeline_node.node_info.id == node]
    return dict(outputs_utils.generate_output_artifacts(execution, definition.outputs.outputs, OUTPUTS))


def _folder(artifact: Any) -> Path:
    """The folder of an artifact; a value is a file in a folder of its own."""
    from tfx.types.value_artifact import ValueArtifact

    return Path(artifact.uri).parent if isinstance(artifact, ValueArtifact) else Path(artifact.uri)


def _copied(task: TaskRef, folder: Path) -> Path:
    """The module or the package of a task alone: its neighbours must not be found."""
    source = Path(task.search_path or "") / task.module.partition(".")[0]
    folder.mkdir()
    if source.is_dir():
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source.with_suffix(".py"), folder)
    share(folder)
    return folder


def _properties(artifact: Any) -> dict[str, Any]:
    return {**artifact.properties, **artifact.custom_properties}


def _base64(message: Any) -> str:
    return base64.urlsafe_b64encode(message.SerializeToString()).decode()
