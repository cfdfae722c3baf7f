"""Runs an executor as a container would: from a serialized invocation, through TFX's own operators.

What an executor is handed has been through bytes before, so nothing can reach it as a live Python object.
"""

from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.orchestration.portable.beam_executor_operator import BeamExecutorOperator
from tfx.orchestration.portable.data_types import ExecutionInfo
from tfx.orchestration.portable.python_executor_operator import PythonExecutorOperator
from tfx.proto.orchestration import execution_invocation_pb2 as invocation_pb2
from tfx.proto.orchestration.executable_spec_pb2 import BeamExecutableSpec, PythonClassExecutableSpec
from tfx.proto.orchestration.execution_result_pb2 import ExecutorOutput
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

Artifacts = dict[str, Artifact]


def artifact(kind: type[Artifact], folder: Path, number: int = 1) -> Artifact:
    """An artifact of a type at a folder, which is made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    made = kind()
    made.uri, made.id = str(folder), number
    return made


def examples(folder: Path, splits: list[str]) -> Artifact:
    """An Examples artifact with these splits."""
    made = artifact(standard_artifacts.Examples, folder)
    made.split_names = artifact_utils.encode_split_names(splits)
    return made


def run(executor: type, inputs: Artifacts, outputs: Artifacts, properties: dict[str, Any], scratch: Path) -> Any:
    """Runs the executor, and returns its `ExecutorOutput` as it reads after serialization."""
    given = ExecutionInfo(
        execution_id=1,
        input_dict={key: [one] for key, one in inputs.items()},
        output_dict={key: [one] for key, one in outputs.items()},
        exec_properties=properties,
        execution_output_uri=str(scratch / "executor-output"),
        stateful_working_dir=str(scratch / "working"),
        tmp_dir=str(scratch / "temporary"),
    )
    received = ExecutionInfo.from_proto(
        invocation_pb2.ExecutionInvocation.FromString(given.to_proto().SerializeToString())
    )
    python = PythonClassExecutableSpec(class_path=f"{executor.__module__}.{executor.__qualname__}")
    if issubclass(executor, BaseBeamExecutor):
        result = BeamExecutorOperator(BeamExecutableSpec(python_executor_spec=python)).run_executor(received)
    else:
        result = PythonExecutorOperator(python).run_executor(received)
    return ExecutorOutput.FromString(result.SerializeToString())
