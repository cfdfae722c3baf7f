"""Gate: a stock ModelBlessing, and the reasons beside it."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tfx.components.pusher.executor import Executor as Pusher
from tfx.proto.orchestration.execution_result_pb2 import ExecutorOutput
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from components.artifact_types import Measurements, Predictions
from components.gate.decision import DECISION_FILE, Decision
from components.gate.executor import Executor
from components.parameters import properties_of
from components.predictor import tables
from components.predictor.tables import STUDENT, TEACHER, Measured, ModelFacts
from tests.components import rehearsal
from trainer.config import GateConfig, from_json, to_json
from trainer.errors import ConfigError
from trainer.latency import Latency

MODEL_ID = 41


def judge(folder: Path, student_right: int, properties: dict[str, Any]) -> tuple[Artifact, ExecutorOutput]:
    """Runs Gate on 20 test examples: the teacher is right about 19, the student about `student_right`."""
    right = {TEACHER: 19, STUDENT: student_right}
    rows = [
        {
            "example_id": str(number),
            "split": "test",
            "model": model,
            "label": 0,
            "logits": [1.0, 0.0] if number < right[model] else [0.0, 1.0],
        }
        for model in right
        for number in range(20)
    ]
    predictions = rehearsal.artifact(Predictions, folder / "predictions")
    pq.write_table(pa.Table.from_pylist(rows, schema=tables.SCHEMA), folder / "predictions" / "test.parquet")
    measurements = rehearsal.artifact(Measurements, folder / "measurements")
    facts = {name: ModelFacts(parameters=5, bytes=1000, latency_ms=Latency(0.5, 0.75)) for name in right}
    (folder / "measurements" / tables.MEASUREMENTS_FILE).write_text(to_json(Measured(facts)), encoding="utf-8")
    model = rehearsal.artifact(standard_artifacts.Model, folder / "model", MODEL_ID)
    blessing = rehearsal.artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    inputs = {"model": model, "predictions": predictions, "measurements": measurements}
    output = rehearsal.run(Executor, inputs, {"blessing": blessing}, properties, folder)
    [written] = output.output_artifacts["blessing"].artifacts
    blessing.mlmd_artifact.CopyFrom(written)
    return blessing, output


def decision(blessing: Artifact) -> Decision:
    return from_json(Decision, (Path(blessing.uri) / DECISION_FILE).read_text(encoding="utf-8"))


def test_a_student_within_the_limits_is_blessed(tmp_path: Path):
    blessing, _ = judge(tmp_path, student_right=18, properties=properties_of(GateConfig(tolerance=0.05)))

    assert decision(blessing) == Decision(passed=True, reasons=())
    assert {path.name for path in Path(blessing.uri).iterdir()} == {"BLESSED", DECISION_FILE}
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("current_model") == str(tmp_path / "model")
    assert blessing.get_int_custom_property("current_model_id") == MODEL_ID


def test_a_student_beyond_a_limit_is_not_blessed_and_the_reasons_are_kept(tmp_path: Path):
    limits = GateConfig(tolerance=0.05, max_bytes=999)

    blessing, _ = judge(tmp_path, student_right=17, properties=properties_of(limits))

    kept = decision(blessing)
    assert not kept.passed
    assert "85.00% is 10.00 points below the teacher's 95.00%; gate.tolerance allows 5 points" in kept.reasons[0]
    assert kept.reasons[1:] == ("the student takes 1,000 bytes; gate.max_bytes allows 999",)
    assert {path.name for path in Path(blessing.uri).iterdir()} == {"NOT_BLESSED", DECISION_FILE}
    assert blessing.get_int_custom_property("blessed") == 0


@pytest.mark.parametrize(("student_right", "blessed"), [(18, True), (17, False)])
def test_stock_pusher_understands_the_blessing(tmp_path: Path, student_right: int, blessed: bool):
    blessing, _ = judge(tmp_path, student_right, properties_of(GateConfig(tolerance=0.05)))

    assert Pusher().CheckBlessing({"model_blessing": [blessing]}) is blessed


def test_a_limit_that_was_edited_to_nonsense_is_refused_before_anything_is_blessed(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"'gate\.tolerance'.*received 5\.0"):
        judge(tmp_path, student_right=19, properties={"tolerance": 5.0})

    assert list((tmp_path / "blessing").iterdir()) == []
