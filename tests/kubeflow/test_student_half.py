"""A stock pipeline with a student half, compiled for both targets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from docs.examples import taxi_pipeline
from limbeck.kubeflow.simulate.upload.accepted import accept
from limbeck.kubeflow.simulate.versions import NAMES, rules
from limbeck.student_half import write_compiled

pytestmark = pytest.mark.pipeline

IMAGE, TASK = "registry.example/mine:1", "docs.examples.taxi_student:TASK"
# Kubeflow Pipelines runs no resolver, and so there is no baseline for the Evaluator that the Pusher waits for.
RESOLVER = "latest_blessed_model_resolver"
OURS = {
    *("ExampleAdapter", "TeacherAdapter", "TeacherLabeler", "Distiller", "DistillerHardLabels"),
    *("DistillerPseudoLabels", "Predictor", "Gate", "Reporter", "Visualizer"),
}


def written(folder: Path, target: Literal["kubeflow", "vertex"]) -> str:
    """The text of the compiled pipeline. Each is made anew, because TFX's compiler closes a pipeline."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taxi_pipeline, "TASK", TASK)
        pipeline = taxi_pipeline.stock_pipeline(folder)
        [resolver] = [node for node in pipeline.components if node.id == RESOLVER]
        resolver.with_id("LatestBlessedModel")
        without = {resolver.id, "Evaluator", "Pusher"} if target == "kubeflow" else set()
        pipeline.components = [node for node in pipeline.components if node.id not in without]
        taxi_pipeline.add_student(pipeline, folder / "serving-student")
    file = folder / "half"
    write_compiled(pipeline, file, target=target, image=IMAGE, task=TASK, config=taxi_pipeline.CONFIG)
    return file.read_text(encoding="utf-8")


def assert_whole(spec: dict[str, Any]) -> None:
    """All nodes are there, ours start our program, and the messages of kfp take it."""
    nodes = spec["root"]["dag"]["tasks"]
    assert OURS | {"CsvExampleGen", "Transform", "Trainer", "StudentPusher", "DataFingerprint"} <= set(nodes)
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    assert set(parsed.root.dag.tasks) == set(nodes)
    assert set(nodes["Reporter"]["dependentTasks"]) >= {"CsvExampleGen", "Transform", "Predictor"}
    for name in OURS:
        container = spec["deploymentSpec"]["executors"][f"{name}_executor"]["container"]
        assert container["image"] == IMAGE
        assert "limbeck.kubeflow.entrypoint" in container["command"]


def test_kubeflow_pipelines_takes_it_in_each_release(tmp_path: Path):
    text = written(tmp_path, "kubeflow")

    [spec] = yaml.safe_load_all(text)
    assert_whole(spec)
    # The rules of the API server, as `simulate` has them.
    for release in NAMES:
        assert set(accept(text, rules(release)).spec["root"]["dag"]["tasks"]) == set(spec["root"]["dag"]["tasks"])


def test_vertex_ai_gets_their_resolver_too(tmp_path: Path):
    spec = json.loads(written(tmp_path, "vertex"))["pipelineSpec"]

    assert_whole(spec)
    executors = spec["deploymentSpec"]["executors"]
    assert [name for name, one in executors.items() if "resolver" in one]
