"""Predictor: a row for each model and example, and what each model costs."""

import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.ml.inference.base import PredictionResult
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.artifacts.types import Measurements, Predictions
from limbeck.components.predictor import tables
from limbeck.components.predictor.component import PredictorSpec
from limbeck.components.predictor.executor import Executor, student_row
from limbeck.components.predictor.rows import teacher_row
from limbeck.components.predictor.tables import Measured
from limbeck.components.teacher_labeler import provenance
from limbeck.components.teacher_labeler.examples import attach_logits
from limbeck.errors import DataError
from limbeck.files import folder_bytes
from limbeck.models import COMPRESSED, CONTROLS, MODELS, STUDENT, TEACHER
from limbeck.records import to_json
from limbeck.settings import operational
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.operational import Operational
from limbeck.trainer.distillation.stored.form import form_of
from limbeck.trainer.job import FURTHER_MODELS
from limbeck.trainer.serving.compressed import FILE, RECORD
from tests.classes import classes
from tests.components import rehearsal, shapes
from tests.components.mapping import here
from tests.components.world import PROPERTIES, SIZES, World, by_id, write_split

pytestmark = pytest.mark.long


def labelled_examples(
    world: World, folder: Path, splits: dict[str, list[bytes]], teacher: str = TEACHER
) -> Artifact:
    made = rehearsal.examples(folder, list(splits))
    for split, examples in splits.items():
        logits = world.logits("teacher", split)[: len(examples)]
        with_logits = [attach_logits(*pair) for pair in zip(examples, logits, strict=True)]
        write_split(made, split, with_logits, "transformed_examples")
    provenance.sign(made, f"{world.models[teacher].uri}/Format-Serving")
    return made


def run(
    world: World,
    labelled: Artifact,
    folder: Path,
    models: Iterable[str] = MODELS,
    records: Mapping[str, Artifact] = MappingProxyType({}),
) -> tuple[Artifact, Artifact]:
    predictions = rehearsal.artifact(Predictions, folder / "predictions")
    measurements = rehearsal.artifact(Measurements, folder / "measurements")
    inputs = {
        "raw_examples": world.raw_examples,
        "labelled_examples": labelled,
        **{name: world.models[name] for name in models},
        **{f"{name}_run": records.get(name, world.model_runs[name]) for name in models},
    }
    outputs = {"predictions": predictions, "measurements": measurements}
    rehearsal.run(Executor, inputs, outputs, PROPERTIES, folder)
    return predictions, measurements


@pytest.fixture(scope="module")
def results(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, Artifact]:
    folder = tmp_path_factory.mktemp("predictor")
    labelled = labelled_examples(world, folder / "labelled", dict(world.transformed))
    with pytest.MonkeyPatch.context() as patch:
        # As with several workers. One alone does what those of a cluster do.
        patch.setattr("limbeck.components.predictor.executor.is_alone", lambda _: False)
        return run(world, labelled, folder)


@pytest.fixture
def table(results: tuple[Artifact, Artifact]) -> pa.Table:
    return pa.concat_tables([tables.read(results[0].uri, split) for split in SIZES])


@pytest.fixture
def measured(results: tuple[Artifact, Artifact]) -> Measured:
    return tables.read_measured(results[1].uri)


@pytest.mark.processes
def test_there_is_one_row_for_each_model_and_example(table: pa.Table, world: World):
    keys = list(zip(*(table[name].to_pylist() for name in ("model", "split", "example_id")), strict=True))

    assert len(keys) == len(set(keys))
    # A file answers one example after the other, so it is spared the largest split.
    assert set(keys) == {
        (model, split, example_id.decode())
        for model in MODELS
        for split in SIZES
        for example_id in by_id(world.transformed[split])
        if (model, split) != (COMPRESSED, "train")
    }


@pytest.mark.processes
@pytest.mark.parametrize("split", SIZES)
def test_rows_hold_the_label_and_what_the_model_answers(table: pa.Table, world: World, split: str):
    rows = {(one["model"], one["example_id"]): one for one in table.to_pylist() if one["split"] == split}
    members = world.logits("teacher", split).astype(np.float64)
    probabilities = np.exp(members) / np.exp(members).sum(axis=-1, keepdims=True)
    scored = [name for name in MODELS if name != TEACHER and (name, split) != (COMPRESSED, "train")]
    expected = {name: world.logits(name, split)[:, 0] for name in scored}
    expected[TEACHER] = np.log(probabilities.mean(axis=1))
    assert min(np.abs(expected[STUDENT] - expected[name]).max() for name in CONTROLS) > 0.1

    for number, (example_id, features) in enumerate(by_id(world.transformed[split]).items()):
        for model in (TEACHER, *scored):
            row = rows[model, example_id.decode()]
            assert row["label"] == features["label"][0]
            np.testing.assert_allclose(row["logits"], expected[model][number], atol=2e-6)


@pytest.mark.processes
def test_a_cluster_writes_the_rows_that_beam_writes(
    table: pa.Table, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    labelled = labelled_examples(world, tmp_path / "labelled", dict(world.transformed))
    settings = Operational(scoring=here.register(monkeypatch)).environment()
    monkeypatch.setenv(operational.ENVIRONMENT, settings[operational.ENVIRONMENT])
    # The teachers' ensemble stands for the students of two further seeds.
    runs = rehearsal.artifact(standard_artifacts.ModelRun, tmp_path / "run")
    shutil.copytree(world.model_runs[STUDENT].uri, runs.uri, dirs_exist_ok=True)
    shutil.copytree(f"{world.models[TEACHER].uri}/Format-Serving", f"{runs.uri}/{FURTHER_MODELS}")

    predictions, _ = run(world, labelled, tmp_path, records={STUDENT: runs})

    found = pa.concat_tables([tables.read(predictions.uri, split) for split in SIZES])
    assert sorted(map(repr, found.to_pylist())) == sorted(map(repr, table.to_pylist()))
    seeds = tables.read_seeds(predictions.uri, shapes.TASK.objective)[STUDENT]
    assert len(seeds) == world.logits(TEACHER, "test").shape[1]
    assert list((tmp_path / "temporary").rglob("*.parquet")) == []


@pytest.mark.processes
def test_some_rows_have_no_label_and_are_not_judged(table: pa.Table, world: World):
    unlabelled = sum(row["kind"] is None for row in world.rows["test"])

    assert unlabelled > 0
    for model in MODELS:
        assert tables.quality(table, model, "test", shapes.TASK.objective).examples == SIZES["test"] - unlabelled


@pytest.mark.processes
def test_figures_say_over_how_many_examples_they_are(measured: Measured, world: World):
    labelled = sum(row["kind"] is not None for row in world.rows["test"])

    assert measured.examples == dict.fromkeys(MODELS, labelled)


@pytest.mark.processes
def test_costs_are_those_of_the_models(measured: Measured, world: World):
    assert set(measured.models) == set(MODELS)
    for name, facts in measured.models.items():
        assert facts.parameters == sum(
            int(np.prod(weight.shape)) for model in world.members[name] for weight in model.weights
        )
        folder = Path(world.models[name].uri) / "Format-Serving"
        shipped = (folder / FILE).stat().st_size if name == COMPRESSED else folder_bytes(folder)
        assert facts.bytes == shipped > 0
        assert 0 < facts.latency_ms.p50 <= facts.latency_ms.p99 < math.inf


@pytest.mark.processes
def test_what_is_known_of_the_file_is_passed_on(measured: Measured, world: World):
    folder = Path(world.models[COMPRESSED].uri) / "Format-Serving"
    assert measured.compression is not None
    assert to_json(measured.compression) == (folder / RECORD).read_text(encoding="utf-8")


@pytest.mark.processes
def test_controls_may_be_left_out_and_the_answers_of_further_seeds_are_kept_apart(world: World, tmp_path: Path):
    labelled = labelled_examples(world, tmp_path / "labelled", {"test": world.transformed["test"]})
    # The teachers' ensemble stands for the students of two further seeds.
    record = rehearsal.artifact(standard_artifacts.ModelRun, tmp_path / "run")
    shutil.copytree(world.model_runs[STUDENT].uri, record.uri, dirs_exist_ok=True)
    shutil.copytree(f"{world.models[TEACHER].uri}/Format-Serving", f"{record.uri}/{FURTHER_MODELS}")

    predictions, measurements = run(world, labelled, tmp_path, (TEACHER, STUDENT), {STUDENT: record})

    answers = tables.answers(tables.read_test_split(predictions.uri), "test", shapes.TASK.objective)
    labels = [one["label"][0] >= 0 for one in by_id(world.transformed["test"]).values()]
    order = np.argsort([one.decode() for one in by_id(world.transformed["test"])])
    expected = world.logits(TEACHER, "test")[order][np.array(labels)[order]]
    found = tables.read_seeds(predictions.uri, shapes.TASK.objective)
    assert set(found) == {STUDENT}
    assert len(found[STUDENT]) == expected.shape[1] > 1
    assert len(answers.labels) == len(expected)
    for number, outputs in enumerate(found[STUDENT]):
        np.testing.assert_allclose(outputs, expected[:, number], atol=2e-6)
    assert set(tables.read(predictions.uri, "test")["model"].to_pylist()) == {TEACHER, STUDENT}
    measured = tables.read_measured(measurements.uri)
    assert set(measured.models) == {TEACHER, STUDENT}
    assert measured.compression is None


def test_only_the_inputs_of_controls_and_of_a_compressed_student_are_optional():
    optional = {name for name, channel in PredictorSpec.INPUTS.items() if channel.optional}

    left_out = (*CONTROLS, COMPRESSED)
    assert optional == {*left_out, *(f"{name}_run" for name in left_out)}


def test_soft_targets_of_another_teacher_are_no_predictions_of_this_one(world: World, tmp_path: Path):
    splits = {"test": world.transformed["test"]}
    labelled = labelled_examples(world, tmp_path / "labelled", splits, teacher=STUDENT)

    with pytest.raises(DataError, match="those of another teacher"):
        run(world, labelled, tmp_path)

    assert list((tmp_path / "predictions").iterdir()) == []


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
    serialized = attach_logits(example.SerializeToString(), teachers)
    scored = PredictionResult(serialized, np.array([[5.0, -5.0]], np.float32))

    of_teacher = teacher_row(serialized, classes(2), "validation")
    of_student = student_row(scored, "pupil", "validation")

    common = {"example_id": "0042", "split": "validation", "label": -1}
    assert of_student == common | {"model": "pupil", "logits": [5.0, -5.0]}
    # The mean of (1/2, 1/2) and (3/4, 1/4).
    assert np.exp(of_teacher.pop("logits")) == pytest.approx([0.625, 0.375], rel=1e-6)
    assert of_teacher == common | {"model": TEACHER}


def test_the_row_of_teachers_whose_soft_targets_are_stored_in_a_smaller_form():
    example = tf.train.Example()
    example.features.feature["example_id"].bytes_list.value.append(b"0042")
    example.features.feature["label"].int64_list.value.append(1)
    labelling = LabellingConfig(top_k=1, dtype="float16")
    teachers = np.log(np.array([[0.5, 0.3, 0.2], [0.7, 0.2, 0.1]], np.float32))
    serialized = attach_logits(example.SerializeToString(), teachers, form_of(labelling, classes(3)))

    row = teacher_row(serialized, classes(3), "train", labelling)

    # The most probable class is kept, and what is left is spread over the others.
    assert np.exp(row["logits"]) == pytest.approx([0.6, 0.2, 0.2], rel=2e-3)
