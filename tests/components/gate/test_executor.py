"""Gate: a stock ModelBlessing, and the reasons beside it."""

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tfx.components.pusher.executor import Executor as Pusher
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.proto.orchestration.execution_result_pb2 import ExecutorOutput
from tfx.types import channel_utils, standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.artifacts.types import Measurements, Predictions
from limbeck.components.gate.component import Gate
from limbeck.components.gate.decision import DECISION_FILE, Decision
from limbeck.components.gate.executor import Executor
from limbeck.components.predictor import tables
from limbeck.components.predictor.tables import Measured, ModelFacts
from limbeck.components.properties.sections import Section
from limbeck.errors import ConfigError
from limbeck.models import HARD_LABELS, STUDENT, TEACHER
from limbeck.records import from_json, to_json
from limbeck.reference import TaskRef
from limbeck.report.verdicts import Verdicts
from limbeck.settings.gate import GateConfig
from limbeck.settings.operational import ENVIRONMENT, Operational
from limbeck.trainer.serving.latency import Latency
from tests.classes import classes
from tests.components import rehearsal
from tests.components.predictions import write as write_predictions

MODEL_ID = 41
# A task of three classes.
TASK = {"task": to_json(TaskRef("tests.components.shapes"))}

# Of 20 examples, the teacher is right about 19 and the student about 18 of them: Tango's lower bound.
BOUND = -0.19601
NEAR = GateConfig(tolerance=0.25)
REQUIRED = GateConfig(tolerance=0.25, require_gain=True)


def row(number: int, model: str, right: bool) -> dict[str, Any]:
    """What a model answered to a test example."""
    return {
        "example_id": f"{number:02}",
        "split": "test",
        "model": model,
        "label": 0,
        "logits": [1.0, 0.0, 0.0] if right else [0.0, 1.0, 0.0],
    }


def judge(
    folder: Path, right: dict[str, int], properties: dict[str, Any], seeds: dict[str, list[int]] | None = None
) -> tuple[Artifact, ExecutorOutput]:
    """Runs Gate on 20 test examples: each model is right about the first few, `right` says how many.

    `seeds` says it of the students of further seeds.
    """
    rows = [row(number, model, number < right[model]) for model in right for number in range(20)]
    predictions = rehearsal.artifact(Predictions, folder / "predictions")
    table = pa.Table.from_pylist(rows, schema=tables.schema(classes(3)))
    write_predictions(table, predictions.uri)
    if seeds is not None:
        path = folder / "predictions" / f"{tables.SEEDS}-00000-of-00001.parquet"
        further = [
            row(number, model, number < right) | {"seed": seed + 1}
            for model, counts in seeds.items()
            for seed, right in enumerate(counts)
            for number in range(20)
        ]
        columns = tables.schema(classes(3)).append(pa.field("seed", pa.int64()))
        pq.write_table(pa.Table.from_pylist(further[::-1], schema=columns), path)
    measurements = rehearsal.artifact(Measurements, folder / "measurements")
    facts = {name: ModelFacts(parameters=5, bytes=1000, latency_ms=Latency(0.5, 0.75)) for name in right}
    measured = Measured(facts, classes().measure, {}, {})
    (folder / "measurements" / tables.MEASUREMENTS_FILE).write_text(to_json(measured), encoding="utf-8")
    model = rehearsal.artifact(standard_artifacts.Model, folder / "model", MODEL_ID)
    blessing = rehearsal.artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    inputs = {"model": model, "predictions": predictions, "measurements": measurements}
    output = rehearsal.run(Executor, inputs, {"blessing": blessing}, properties, folder)
    [written] = output.output_artifacts["blessing"].artifacts
    blessing.mlmd_artifact.CopyFrom(written)
    return blessing, output


def properties_with(limits: GateConfig) -> dict[str, Any]:
    return Section(GateConfig).encode(limits) | TASK


def decision(blessing: Artifact) -> Decision:
    return from_json(Decision, (Path(blessing.uri) / DECISION_FILE).read_text(encoding="utf-8"))


def test_a_student_within_the_limits_is_blessed(tmp_path: Path):
    blessing, _ = judge(tmp_path, {TEACHER: 19, STUDENT: 18}, properties_with(NEAR))

    kept = decision(blessing)
    found = kept.verdicts.against_teacher
    assert found is not None
    assert (found.difference, found.low, found.examples) == pytest.approx((-0.05, BOUND, 20), abs=1e-5)
    assert kept == Decision(passed=True, reasons=(), verdicts=Verdicts(against_teacher=found))
    assert {path.name for path in Path(blessing.uri).iterdir()} == {"BLESSED", DECISION_FILE}
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("current_model") == str(tmp_path / "model")
    assert blessing.get_int_custom_property("current_model_id") == MODEL_ID


def test_a_student_beyond_a_limit_is_not_blessed_and_the_reasons_are_kept(tmp_path: Path):
    limits = GateConfig(tolerance=0.05, max_bytes=999)

    blessing, _ = judge(tmp_path, {TEACHER: 19, STUDENT: 17}, properties_with(limits))

    kept = decision(blessing)
    assert not kept.passed
    assert "85.00% is 10.00 points below the teacher's 95.00%; gate.tolerance allows 5 points" in kept.reasons[0]
    assert kept.reasons[1:] == ("the student takes 1,000 bytes; gate.max_bytes allows 999",)
    assert {path.name for path in Path(blessing.uri).iterdir()} == {"NOT_BLESSED", DECISION_FILE}
    assert blessing.get_int_custom_property("blessed") == 0


@pytest.mark.parametrize(("tolerance", "blessed"), [(-BOUND - 0.001, False), (-BOUND + 0.001, True)])
def test_a_student_is_held_against_what_the_examples_prove_and_not_against_what_they_show(
    tmp_path: Path, tolerance: float, blessed: bool
):
    """The student misses one example of 20 more, and 5 points are allowed four times over."""
    limits = GateConfig(tolerance=tolerance)

    blessing, _ = judge(tmp_path, {TEACHER: 19, STUDENT: 18}, properties_with(limits))

    kept = decision(blessing)
    assert (kept.passed, blessing.get_int_custom_property("blessed")) == (blessed, int(blessed))
    if not blessed:
        [reason] = kept.reasons
        assert "-5.00 points from the teacher's, and gate.tolerance allows" in reason
        assert (
            f"20 labelled test examples prove less: the true difference may well be {100 * BOUND:.2f} points"
            in reason
        )


@pytest.mark.parametrize(("further", "found"), [({}, [MODEL_ID]), ({"unresolved": 1}, [])])
def test_the_resolver_of_the_latest_blessed_model_passes_an_unresolved_student_over(
    tmp_path: Path, further: dict[str, Any], found: list[int]
):
    properties = properties_with(NEAR) | further
    blessing, _ = judge(tmp_path, {TEACHER: 19, STUDENT: 18}, properties)
    model = rehearsal.artifact(standard_artifacts.Model, tmp_path / "model", MODEL_ID)

    resolved = LatestBlessedModelStrategy().resolve_artifacts(None, {"model": [model], "blessing": [blessing]})

    assert [one.id for one in resolved["model"]] == found
    assert blessing.get_int_custom_property("blessed") == 1


@pytest.mark.parametrize(("student_right", "blessed"), [(18, True), (17, False)])
def test_stock_pusher_understands_the_blessing(tmp_path: Path, student_right: int, blessed: bool):
    blessing, _ = judge(tmp_path, {TEACHER: 19, STUDENT: student_right}, properties_with(NEAR))

    assert Pusher().CheckBlessing({"model_blessing": [blessing]}) is blessed


# Of 20 test examples, the student is right about 18: its controls about so many.
@pytest.mark.parametrize(("hard_labels", "required", "blessed"), [
    (6, True, True), (17, True, False), (18, True, False), (20, True, False), (20, False, True),
])  # fmt: skip
def test_a_student_that_gains_nothing_is_refused_where_a_gain_is_asked_for(
    tmp_path: Path, hard_labels: int, required: bool, blessed: bool
):
    limits = GateConfig(tolerance=0.5, require_gain=required)

    blessing, _ = judge(tmp_path, {TEACHER: 19, STUDENT: 18, HARD_LABELS: hard_labels}, properties_with(limits))

    kept = decision(blessing)
    assert kept.passed is blessed
    assert (blessing.get_int_custom_property("blessed"), (tmp_path / "blessing" / "BLESSED").exists()) == (
        blessed,
        blessed,
    )
    assert ["gate.require_gain asks for a gain" in reason for reason in kept.reasons] == [True] * (not blessed)
    assert kept.verdicts.against[HARD_LABELS].difference.value == pytest.approx((18 - hard_labels) / 20)
    helped = kept.verdicts.distillation_helped
    assert helped is not None
    assert helped.verdict is (hard_labels == 6)


def test_further_seeds_are_compared_and_change_no_verdict_on_the_student_that_is_served(tmp_path: Path):
    right = {TEACHER: 19, STUDENT: 18, HARD_LABELS: 9}
    alone, _ = judge(tmp_path / "alone", right, properties_with(NEAR))
    several, _ = judge(
        tmp_path / "several", right, properties_with(NEAR), {STUDENT: [3, 20], HARD_LABELS: [13, 10]}
    )

    one, other = decision(alone), decision(several)
    across = other.verdicts.across_seeds
    assert one.verdicts.across_seeds is None
    assert across is not None
    assert across.seeds == 3
    assert across.differences[HARD_LABELS] == pytest.approx([9 / 20, -10 / 20, 10 / 20])
    assert across.against[HARD_LABELS].difference.value == pytest.approx(3 / 20)
    assert across.against[HARD_LABELS].p_value > 0.5
    # The pair that is served says that distillation helped.
    assert other.verdicts.distillation_helped == one.verdicts.distillation_helped
    assert dataclasses.replace(other.verdicts, across_seeds=None) == one.verdicts
    assert (other.passed, other.reasons) == (one.passed, one.reasons)


def test_without_controls_a_gain_that_is_asked_for_cannot_be_had(tmp_path: Path):
    blessing, _ = judge(tmp_path, {TEACHER: 19, STUDENT: 19}, properties_with(REQUIRED))

    [reason] = decision(blessing).reasons
    assert reason.endswith("there is none to compare with")


@pytest.mark.parametrize("required", [False, True])
def test_the_component_hands_the_limits_over(required: bool):
    limits = GateConfig(tolerance=0.25, max_bytes=7, require_gain=required)
    kinds = {"model": standard_artifacts.Model, "predictions": Predictions, "measurements": Measurements}
    channels = {name: channel_utils.as_channel([kind()]) for name, kind in kinds.items()}

    code = {"task": to_json(TaskRef("limbeck.tasks.digits")), "code_digest": "digest"}
    gate = Gate(**channels, properties=properties_with(limits) | code)

    given = {"gate_tolerance": 0.25, "gate_max_bytes": 7, "gate": f'{{"require_gain": {str(required).lower()}}}'}
    assert {name: gate.exec_properties.get(name) for name in given} == given


def test_a_limit_that_was_edited_to_nonsense_is_refused_before_anything_is_blessed(tmp_path: Path):
    with pytest.raises(
        ConfigError,
        match=r"gate\.tolerance is a difference of accuracy.*at most 1, received 5: 5 points are 0\.05",
    ):
        judge(tmp_path, {TEACHER: 19, STUDENT: 19}, properties_with(GateConfig()) | {"gate_tolerance": 5.0})

    assert list((tmp_path / "blessing").iterdir()) == []


def test_each_student_that_is_judged_is_a_look_at_the_test_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answers again are none: a gate with other limits, or one that is tried again."""
    monkeypatch.setenv(ENVIRONMENT, to_json(Operational(looks=str(tmp_path / "looks"))))
    wide, narrow = NEAR, GateConfig(tolerance=0.01)
    same = {TEACHER: 19, STUDENT: 18}
    runs = [
        (same, wide),
        (same, narrow),
        ({TEACHER: 19, STUDENT: 17}, wide),
        ({TEACHER: 20, STUDENT: 17}, wide),
        (same, wide),
    ]

    found = []
    for number, (right, limits) in enumerate(runs):
        blessing, _ = judge(tmp_path / str(number), right, properties_with(limits))
        found.append(decision(blessing).test_split)

    assert [one.judged for one in found if one is not None] == [1, 1, 2, 3, 3]
    assert len({one.digest for one in found if one is not None}) == 1


def test_without_a_place_for_it_nobody_keeps_count(tmp_path: Path):
    blessing, _ = judge(tmp_path, {TEACHER: 19, STUDENT: 18}, properties_with(NEAR))

    assert decision(blessing).test_split is None
