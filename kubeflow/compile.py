"""The pipeline as TFX's own compiler writes it for Kubeflow Pipelines and for Vertex AI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

Target = Literal["kubeflow", "vertex"]


def write(pipeline: Any, target: Target, output: Path) -> None:
    """Compiles a TFX pipeline.

    Args:
      pipeline: the graph; its root must be a URI that the pods can reach.
      target: `kubeflow` writes a YAML pipeline spec 2.1, `vertex` a JSON PipelineJob.
      output: the file; replaced as a whole.
    """
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    unfinished = output.with_name(f".unfinished-{output.stem}{'.yaml' if target == 'kubeflow' else '.json'}")
    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(use_pipeline_spec_2_1=target == "kubeflow")
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=config, output_dir=str(output.parent), output_filename=unfinished.name
    )
    try:
        runner.run(pipeline, write_out=True)
        os.replace(unfinished, output)  # noqa: PTH105
    finally:
        unfinished.unlink(missing_ok=True)
