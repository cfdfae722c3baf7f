"""Compiles the pipeline with TFX's own compiler, for Kubeflow Pipelines and for Vertex AI."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

Target = Literal["kubeflow", "vertex"]


def write(pipeline: Any, target: Target, output: Path, environment: Mapping[str, str]) -> None:
    """Compiles a TFX pipeline and writes the result.

    Args:
      pipeline: the graph. Its root must be a URI that the pods can reach.
      target: `kubeflow` writes a YAML pipeline spec 2.1, `vertex` a JSON PipelineJob.
      output: the file. It is replaced as a whole.
      environment: variables of every container.
    """
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(use_pipeline_spec_2_1=target == "kubeflow")
    job = kubeflow_v2_dag_runner.KubeflowV2DagRunner(config=config).run(pipeline, write_out=False)
    _set_environment(job["pipelineSpec"], environment)
    spec = yaml.safe_dump(job["pipelineSpec"]) if target == "kubeflow" else json.dumps(job, sort_keys=True)
    unfinished = output.with_name(f".unfinished-{output.name}")
    try:
        unfinished.write_text(spec, encoding="utf-8")
        os.replace(unfinished, output)  # noqa: PTH105
    finally:
        unfinished.unlink(missing_ok=True)


def _set_environment(spec: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Sets the variables of every container, because TFX's compiler cannot."""
    for executor in spec["deploymentSpec"]["executors"].values():
        if "container" in executor:
            # Each container gets its own list. Otherwise YAML would write references.
            executor["container"]["env"] = [
                {"name": name, "value": environment[name]} for name in sorted(environment)
            ]
