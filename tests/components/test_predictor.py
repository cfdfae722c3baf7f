"""Predictor: a row for each model and example, and what both models cost."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from tfx.types.artifact import Artifact

from components.artifact_types import Measurements, Predictions
from components.predictor import tables
from components.predictor.executor import Executor, rows_of
from components.predictor.tables import STUDENT, TEACHER, Measured
from components.teacher_labeler.executor import attach_logits
from tests.components import rehearsal
from tests.components.world import PROPERTIES, SIZES, World, by_id, write_split
from trainer.errors import DataError
from trainer.export import folder_bytes


def labelled_examples(world: World, folder: Path, splits: dict[str, list[bytes]]) -> Artifact:
    made = rehearsal.examples(folder, list(splits))
    for split, examples in splits.items():
        logits = world.logits("teacher", split)[: len(examples)]
        with_logits = [attach_logits(*pair) for pair in zip(examples, logits, strict=True)]
        write_split(made, split, with_logits, "transformed_examples")
    return made


def run(world: World, labelled: Artifact, folder: Path) -> tuple[Artifact, Artifact]:
    predictions = rehearsal.artifact(Predictions, folder / "predictions")
    measurements = rehearsal.artifact(Measurements, folder / "measurements")
    inputs = {
        "raw_examples": world.raw_examples,
        "labelled_examples": labelled,
        "teacher": world.models["teacher"],
        "teacher_run": world.model_runs["teacher"],
        "student": world.models["student"],
        "student_run": world.model_runs["student"],
    }
    outputs = {"predictions": predictions, "measurements": measurements}
    rehearsal.run(Executor, inputs, outputs, PROPERTIES, folder)
    return predictions, measurements


@pytest.fixture(scope="module")
def results(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, Artifact]:
    folder = tmp_path_factory.mktemp("predictor")
    labelled = labelled_examples(world, folder / "labelled", dict(world.transformed))
    return run(world, labelled, folder)


@pytest.fixture
def table(results: tuple[Artifact, Artifact]) -> pa.Table:
    return tables.read(results[0].uri)


@pytest.fixture
def measured(results: tuple[Artifact, Artifact]) -> Measured:
    return tables.read_measured(results[1].uri)


@pytest.mark.processes
def test_there_is_one_row_for_each_model_and_example(table: pa.Table, world: World):
    keys = list(zip(*(table[name].to_pylist() for name in ("model", "split", "example_id")), strict=True))

    assert len(keys) == 2 * sum(SIZES.values())
    assert set(keys) == {
        (model, split, example_id.decode())
        for model in (TEACHER, STUDENT)
        for split in SIZES
        for example_id in by_id(world.transformed[split])
    }


@pytest.mark.processes
@pytest.mark.parametrize("split", SIZES)
def test_rows_hold_the_label_and_what_the_model_answers(table: pa.Table, world: World, split: str):
    rows = {(one["model"], one["example_id"]): one for one in table.to_pylist() if one["split"] == split}
    members = world.logits("teacher", split).astype(np.float64)
    probabilities = np.exp(members) / np.exp(members).sum(axis=-1, keepdims=True)
    expected = {TEACHER: np.log(probabilities.mean(axis=1)), STUDENT: world.logits("student", split)[:, 0]}

    for number, (example_id, features) in enumerate(by_id(world.transformed[split]).items()):
        for model in (TEACHER, STUDENT):
            row = rows[model, example_id.decode()]
            assert row["label"] == features["label"][0]
            np.testing.assert_allclose(row["logits"], expected[model][number], atol=2e-6)


@pytest.mark.processes
def test_some_rows_have_no_label_and_are_not_judged(table: pa.Table, world: World):
    unlabelled = sum(row["kind"] == "" for row in world.rows["test"])

    assert unlabelled > 0
    for model in (TEACHER, STUDENT):
        assert tables.quality(table, model, "test").examples == SIZES["test"] - unlabelled


@pytest.mark.processes
def test_costs_are_those_of_the_models(measured: Measured, world: World):
    assert set(measured.models) == {TEACHER, STUDENT}
    for name, facts in measured.models.items():
        assert facts.parameters == sum(
            int(np.prod(weight.shape)) for model in world.members[name] for weight in model.weights
        )
        assert facts.bytes == folder_bytes(Path(world.models[name].uri) / "Format-Serving") > 0
        assert 0 < facts.latency_ms.p50 <= facts.latency_ms.p99 < math.inf


@pytest.mark.processes
def test_labels_that_the_task_does_not_declare_are_an_error(world: World, tmp_path: Path):
    example = tf.train.Example.FromString(world.transformed["test"][0])
    example.features.feature["label"].int64_list.value[:] = [-2]
    splits = {"test": [example.SerializeToString(), *world.transformed["test"][1:]]}

    with pytest.raises(DataError, match=r"1 of 23 examples of the split 'test' have a label"):
        run(world, labelled_examples(world, tmp_path / "labelled", splits), tmp_path)


def test_the_rows_of_one_example():
    example = tf.train.Example()
    example.features.feature["example_id"].bytes_list.value.append(b"0042")
    example.features.feature["label"].int64_list.value.append(-1)
    teachers = np.array([[0.0, 0.0], [math.log(3), 0.0]], np.float32)
    student = np.array([[5.0, -5.0]], np.float32)

    teacher_row, student_row = rows_of(attach_logits(example.SerializeToString(), teachers), student, "validation")

    common = {"example_id": "0042", "split": "validation", "label": -1}
    assert student_row == common | {"model": STUDENT, "logits": [5.0, -5.0]}
    # The mean of (1/2, 1/2) and (3/4, 1/4).
    assert np.exp(teacher_row.pop("logits")) == pytest.approx([0.625, 0.375], rel=1e-6)
    assert teacher_row == common | {"model": TEACHER}
