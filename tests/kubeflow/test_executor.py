"""An executor is given the same as by TFX's own entrypoint, and tells the same; and less is imported for it."""

import argparse
import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from limbeck.kubeflow import executor

PROJECT = Path(__file__).parents[2]
RECORDING = "tests.kubeflow.recording"
# What TFX's own entrypoint brings along, and no step without Beam needs.
NEEDLESS = (
    "tfx.components",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "apache_beam",
    "kfp.client",
    "kfp.dsl",
)
INPUTS = {
    "parameters": {
        "whole": {"parameterType": "NUMBER_INTEGER"},
        "fraction": {"parameterType": "NUMBER_DOUBLE"},
        "text": {"parameterType": "STRING"},
        "flag": {"parameterType": "BOOLEAN"},
    }
}
METADATA = [
    {},
    {"whole": 3, "fraction": 2, "text": "a", "structure": {"b": [1, 2.5, "c", True, None]}},
    {"whole": 3.0, "structure": [1, 2], "own": "text", "number": 4, "listed": [1, {"a": 2}]},
    # None fits the type's property.
    {"whole": "three", "fraction": "half", "text": 5, "flag": True},
    {"whole": True, "custom:text": "hidden", "custom:other": "kept", "structure": "text"},
]


def invocation(folder: Path, metadata: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    def artifact(title: str, name: str, **more: Any) -> dict[str, Any]:
        kind = {"instanceSchema": f"title: {title}\n"}
        return {"artifacts": [{"name": name, "uri": str(folder / name), "type": kind, **more}]}

    return {
        "inputs": {
            "artifacts": {
                "given": artifact(f"{RECORDING}.Anything", "12", metadata=metadata),
                "model": artifact("tfx.Model", "projects/1/artifacts/34"),
                "none": {"artifacts": []},
            },
            "parameterValues": {
                "text": "a",
                "whole": 3.0,
                "fraction": 2,
                "flag": True,
                "undeclared": 4,
                **parameters,
            },
        },
        "outputs": {
            "artifacts": {
                "anything": artifact(f"{RECORDING}.Anything", "anything", metadata={"text": "before", "x": 1}),
                "numbers": artifact(f"{RECORDING}.Numbers", "numbers"),
                "text": artifact("tfx.String", "text"),
            },
            "parameters": {"text": {"outputFile": str(folder / "parameter")}},
            "outputFile": str(folder / "task" / "output_metadata.json"),
        },
    }


def by_tfx(path: str, content: dict[str, Any], flags: list[str]) -> tuple[Any, dict[str, Any]]:
    """What an executor is given by TFX's own entrypoint, and what that writes."""
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    from tests.kubeflow.recording import Recording

    arguments = argparse.Namespace(
        executor_class_path=path,
        json_serialized_invocation_args=json.dumps(content),
        json_serialized_inputs_spec_args=json.dumps(INPUTS),
    )
    kubeflow_v2_run_executor._run_executor(arguments, flags)
    return Recording.given.pop(), json.loads(Path(content["outputs"]["outputFile"]).read_text(encoding="utf-8"))


def by_us(path: str, content: dict[str, Any], flags: list[str]) -> tuple[Any, dict[str, Any]]:
    from tests.kubeflow.recording import Recording

    before = copy.deepcopy(content)
    told = executor.execute(path, content, INPUTS, flags)
    assert content == before
    return Recording.given.pop(), told


@pytest.mark.parametrize("metadata", METADATA)
@pytest.mark.parametrize("name", ["Executor", "BeamExecutor"])
def test_an_executor_is_given_and_tells_what_it_does_with_tfxs_entrypoint(
    name: str, metadata: dict[str, Any], tmp_path: Path
):
    content, flags = invocation(tmp_path, metadata, {}), ["--direct_num_workers=1", "--sdk_container_image=none"]
    path = f"{RECORDING}.{name}"

    given, told = by_us(path, content, flags)
    expected_given, expected_told = by_tfx(path, content, flags)

    assert given == expected_given
    assert told == expected_told
    assert told["parameterValues"] == {"text": "written"}


def test_a_whole_number_is_whole_where_it_is_declared_so(tmp_path: Path):
    (_, properties, types, *_), _ = by_us(f"{RECORDING}.Executor", invocation(tmp_path, {}, {}), [])
    assert (properties["whole"], types["whole"], types["fraction"], types["flag"]) == (3, int, float, bool)


def test_an_output_parameter_needs_an_output_that_is_a_value(tmp_path: Path):
    content = invocation(tmp_path, {}, {})
    content["outputs"]["parameters"] = {"numbers": {"outputFile": "x"}}
    with pytest.raises(ValueError, match="'numbers'"):
        executor.execute(f"{RECORDING}.Executor", content, INPUTS, [])


def test_numbers_of_names_are_those_of_tfx():
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as utils

    for name in ("", "12", "projects/1/artifacts/34", "ü"):
        assert executor.number_of(name) == utils._get_hashed_id(name, {})


def test_names_of_a_blessing_are_those_of_tfx():
    from tfx.components.evaluator import constants

    from limbeck.components.artifacts import blessing

    assert blessing.BLESSED == constants.ARTIFACT_PROPERTY_BLESSED_KEY
    assert blessing.CURRENT_MODEL == constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY
    assert blessing.CURRENT_MODEL_ID == constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
    assert blessing.BLESSED_FILE == constants.BLESSED_FILE_NAME
    assert blessing.NOT_BLESSED_FILE == constants.NOT_BLESSED_FILE_NAME


@pytest.mark.processes
def test_only_what_the_executor_needs_is_imported(tmp_path: Path):
    """Every import of `tfx.components` or Beam costs each such step of a pipeline seconds."""
    program = f"""
import json, os, sys
from limbeck.kubeflow import entrypoint, process
started = []
def work(arguments):
    for name in ("gate", "reporter", "teacher_trainer", "distiller"):
        kind = __import__(f"components.{{name}}.executor", fromlist=["Executor"]).Executor
        def begin(self, *given, name=name):
            started.append(name)
        kind.Do = begin
        entrypoint.run(["--node", name, "--target", "kubeflow", "--executor", f"components.{{name}}.executor.Executor",
            "--inputs", "{{}}", "--outputs", "{{}}", "--invocation",
            json.dumps({{"inputs": {{}}, "outputs": {{"outputFile": {str(tmp_path / "told.json")!r}}}}})])
    print(json.dumps([started, sorted(sys.modules)]))
process.end_with(work)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    started, modules = json.loads(done.stdout.splitlines()[-1])
    assert started == ["gate", "reporter", "teacher_trainer", "distiller"]
    assert [name for name in NEEDLESS if name in modules] == []
    # A task is loaded by `Do`, and nothing of the command line or of the pipeline is needed.
    assert not {"pipeline", "cli", "tasks", "limbeck.kubeflow.compile", "limbeck.kubeflow.simulate"} & set(modules)
