"""The negative control: what TFX compiles by itself must die in the simulation where it died in KFP, of the same."""

import json
from pathlib import Path

import pytest

from tests.kubeflow.simulate import probe

pytestmark = [pytest.mark.processes, pytest.mark.pipeline, pytest.mark.long]


def test_stock_tfx_dies_in_its_first_node(tmp_path: Path) -> None:
    from tfx import v1 as tfx
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as runner

    config = runner.KubeflowV2DagRunnerConfig(default_image="example/tfx:1", use_pipeline_spec_2_1=True)
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="stock",
        pipeline_root="minio://mlpipeline/stock",
        components=[tfx.components.CsvExampleGen(input_base="/data")],
    )
    runner.KubeflowV2DagRunner(config, str(tmp_path), "stock.yaml").run(pipeline, write_out=True)

    (outcome,) = probe.run((tmp_path / "stock.yaml").read_text("utf-8"))

    assert outcome.history is not None
    assert outcome.history.phase == "Failed"
    last = outcome.history.steps[-1]
    assert last.node == "root.CsvExampleGen.executor"
    assert "ImportError: Could not import system.Artifact" in last.log
    assert json.dumps(outcome.trace["artifacts"]).count("executor-logs-0") == 1
