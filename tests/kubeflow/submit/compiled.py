"""Small compiled pipelines, as `compile` writes them, with parameters of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from limbeck.kubeflow.compile import Options, rewritten
from limbeck.settings.containers import ContainerConfig, RetryConfig
from tests.kubeflow.specs import stock

IMAGE = "europe-docker.pkg.dev/project/images/limbeck:1"
PARAMETERS = {
    "data_path": {"parameterType": "STRING", "defaultValue": "gs://bucket/data"},
    "training_epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3.0},
    "distillation_alpha": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.5},
    "gate_strict": {"parameterType": "BOOLEAN", "defaultValue": True},
}


def spec(target: str, *, image: str = IMAGE, retries: int = 0) -> dict[str, Any]:
    """DataFingerprint, ExampleGen and StatisticsGen."""
    containers = {"default": ContainerConfig(retry=RetryConfig(count=retries))}
    made, _ = rewritten(stock(), Options(target=target, image=image, containers=containers))  # type: ignore[arg-type]
    made["root"].setdefault("inputDefinitions", {})["parameters"] = json.loads(json.dumps(PARAMETERS))
    return made


def write(folder: Path, target: str, **options: Any) -> Path:
    """The file of a target, as `limbeck.kubeflow.compile.write` leaves it."""
    made = spec(target, **options)
    if target == "kubeflow":
        file = folder / "p.yaml"
        file.write_text(yaml.safe_dump(made))
    else:
        file = folder / "p.json"
        runtime = {"gcsOutputDirectory": "gs://bucket/limbeck/pipeline"}
        labels = {"tfx_runner": "kubeflow_v2"}
        job = {"displayName": "p", "labels": labels, "pipelineSpec": made, "runtimeConfig": runtime}
        file.write_text(json.dumps(job))
    return file
