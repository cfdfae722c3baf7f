"""The graph of the student half, and what it refuses before anything runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from limbeck import reference
from limbeck.errors import ConfigError, TaskError
from limbeck.saved_teacher import SavedTeacher
from limbeck.settings import operational
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.training import TrainingConfig
from limbeck.splits import Splits
from limbeck.student_half import StudentHalf, environment, student_half, write_compiled
from limbeck.trainer.data.preprocessing import preprocess
from tests.components import borrowed

TASK = "tests.components.borrowed:TASK"
PROBABILITIES = SavedTeacher("probabilities")


def half(
    config: Config | None = None,
    teacher: SavedTeacher = PROBABILITIES,
    splits: Splits | None = None,
    *,
    report: bool = True,
) -> StudentHalf:
    from tfx.types import standard_artifacts
    from tfx.types.channel_utils import as_channel

    return student_half(
        TASK,
        config or Config(),
        examples=as_channel([standard_artifacts.Examples()]),
        transform_graph=as_channel([standard_artifacts.TransformGraph()]),
        model=as_channel([standard_artifacts.Model()]),
        teacher=teacher,
        splits=splits or Splits(),
        report=report,
    )


def properties(given: StudentHalf) -> dict[str, dict[str, Any]]:
    return {node.id: dict(node.exec_properties) for node in given.nodes}


def test_a_control_can_be_left_out():
    every = {node.id for node in half().nodes}
    fewer = {node.id for node in half(Config(controls=False)).nodes}

    assert every - fewer == {"DistillerHardLabels", "DistillerPseudoLabels"}
    assert fewer == {
        *("ExampleAdapter", "TeacherAdapter", "TeacherLabeler", "Distiller", "Predictor", "Gate"),
        *("Reporter", "Visualizer"),
    }


def test_the_page_can_be_left_out():
    with_page, without = half(), half(report=False)

    assert with_page.report is not None
    assert set(with_page.report.outputs) >= {"report", "verdict", "student_metrics", "teacher_metrics"}
    assert without.report is None
    assert {node.id for node in with_page.nodes} - {node.id for node in without.nodes} == {
        "Reporter",
        "Visualizer",
    }
    told = properties(half(splits=Splits(train="mine")))
    assert told["Reporter"]["raw_split"] == "mine"
    assert told["Visualizer"]["given_teacher"] == 1


def test_a_task_in_a_file_of_this_machine_is_not_compiled(tmp_path: Path):
    file = tmp_path / "student.py"
    file.write_text("TASK = None", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no container has the file of the task .*name it as module:attribute"):
        write_compiled(None, tmp_path / "x", target="vertex", image="i/j", task=str(file), config=Config())
    assert not (tmp_path / "x").exists()


def test_a_recipe_is_refused_because_a_stock_pusher_ships_no_file():
    with pytest.raises(ConfigError, match=r"compression\.recipe makes a file .* received 'float16'"):
        half(Config(compression=CompressionConfig("float16")))


def test_the_nodes_that_further_nodes_hang_on_are_named():
    made = half()

    assert (made.student.id, made.gate.id, made.predictor.id) == ("Distiller", "Gate", "Predictor")


def test_another_declaration_of_the_teacher_adapts_no_example_again():
    first, second = properties(half()), properties(half(teacher=dataclasses.replace(PROBABILITIES, epsilon=1e-3)))

    assert {name for name in first if first[name] != second[name]} == {"TeacherAdapter"}


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        (
            "metrics",
            lambda *_: [],
            r"computed on the validation split, and there is none: name one as Splits\.validation",
        ),
        (
            "initialise_student",
            lambda *_: [],
            "takes a teacher that build_teacher builds, and here the teacher is a",
        ),
        (
            "hints",
            (("a", "b"),),
            "has hints, which are layers of a teacher that build_teacher builds, and here the",
        ),
    ],
)
def test_what_the_half_cannot_do_for_a_task_is_refused(
    field: str, value: Any, rule: str, monkeypatch: pytest.MonkeyPatch
):
    task = dataclasses.replace(borrowed.TASK, **{field: value})
    monkeypatch.setattr(borrowed, "TASK", task)
    with pytest.raises((ConfigError, TaskError), match=rule):
        half()


def test_inputs_that_the_teacher_must_answer_at_each_step_are_refused():
    config = Config(distillation=DistillationConfig(inputs="mixup", alpha=1.0))
    with pytest.raises(
        ConfigError, match="inputs=mixup calls teachers that build_teacher builds at each step, and"
    ):
        half(config)


@pytest.mark.parametrize(
    ("config", "rule"),
    [
        (Config(labelling=LabellingConfig(top_k=99)), "must be below the 3 classes"),
        (
            Config(labelling=LabellingConfig(top_k=1), distillation=DistillationConfig(decoupled_weight=1.0)),
            r"decoupled_weight needs the logits of every class, and labelling\.top_k=1 stores",
        ),
        (
            Config(distillation=DistillationConfig(alpha=0.0, generations=2)),
            "alpha=0 learns from labels alone",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused_before_anything_runs(config: Config, rule: str):
    with pytest.raises(ConfigError, match=rule):
        half(config)


def test_early_stopping_needs_a_validation_split():
    config = Config(training=TrainingConfig(early_stopping_patience=2))

    with pytest.raises(ConfigError, match=r"there is none: name one as Splits\.validation"):
        half(config)
    assert half(config, splits=Splits(validation="validation")).nodes


def test_no_process_is_told_to_try_a_teacher(tmp_path: Path):
    (tmp_path / "student.py").write_text("from tests.components.borrowed import TASK\n", encoding="utf-8")

    variables = environment(str(tmp_path / "student.py"), Config(), checkpoints="gs://bucket/checkpoints")

    read = operational.read(variables)
    assert (read.planned_teacher, read.planned_student, read.checkpoints) == (
        None,
        None,
        "gs://bucket/checkpoints",
    )
    assert variables[reference.ENVIRONMENT] == str(tmp_path)


@pytest.mark.parametrize(
    ("splits", "received"),
    [({"train": "eval"}, "'train': 'eval', 'test': 'eval'"), ({"validation": "train"}, "'validation': 'train'")],
)
def test_a_split_with_two_purposes_is_refused(splits: dict[str, str], received: str):
    with pytest.raises(ConfigError, match=received):
        Splits(**splits)


def test_a_student_task_is_no_whole_task():
    import tensorflow as tf

    inputs = {"size": tf.zeros([1, 2]), "colour": tf.constant(["red"])}

    with pytest.raises(TaskError, match="has no preprocessing_fn: use it with student_half"):
        preprocess(borrowed.TASK, inputs)
    with pytest.raises(TaskError, match="builds no teacher: use it with student_half"):
        borrowed.TASK.build_teacher({})


def test_the_declaration_of_a_teacher_crosses_as_json():
    from limbeck.records import from_json, to_json

    teacher = SavedTeacher("probabilities", signature="s", output="o", takes="transformed", epsilon=1e-3)

    assert from_json(SavedTeacher, to_json(teacher)) == teacher
    with pytest.raises(ConfigError, match=r"'answers'.*'logit'"):
        from_json(SavedTeacher, json.dumps({"answers": "logit"}))
    with pytest.raises(ConfigError, match="Did you mean 'epsilon'"):
        from_json(SavedTeacher, json.dumps({"answers": "logits", "epsilom": 1e-3}))
