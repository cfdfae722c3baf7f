"""Jobs that compress: what they leave, and what they refuse."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.compression_record import CompressionRecord
from limbeck.errors import ConfigError, TaskError
from limbeck.examples import EXAMPLE_ID
from limbeck.rank_record import RankRecord
from limbeck.records import from_json
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.trainer import compressing, training
from limbeck.trainer.compression import litert, representative
from limbeck.trainer.distillation.needs import without_teachers
from limbeck.trainer.serving.compressed import FILE, RECORD, TRANSFORM, CompressedModel
from tests.trainer.world import COUNT, World, rows, values_of

PROJECT = Path(__file__).parents[3]
INT8 = CompressionConfig(recipe="int8", representative=30)


@pytest.fixture(scope="module")
def student(world: World, tmp_path_factory: pytest.TempPathFactory):
    """The finished job of a student."""
    job = world.job(tmp_path_factory.mktemp("student") / "job", "student", hyperparameters={"units": 40})
    training.run(job)
    return job


def compression(world: World, student, folder: Path, config: CompressionConfig = INT8, **changes):
    fields = {
        "compression": config,
        "student_uri": student.model_uri,
        "hyperparameters": student.hyperparameters,
    }
    return world.job(folder, "student", **(fields | changes))


@pytest.fixture(scope="module")
def compressed(world: World, student, tmp_path_factory: pytest.TempPathFactory):
    job = compression(world, student, tmp_path_factory.mktemp("compressed") / "job")
    compressing.run(job)
    return job


def raw(row: dict) -> bytes:
    feature = {"x": tf.train.Feature(float_list=tf.train.FloatList(value=row["x"]))}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def test_the_file_answers_raw_and_transformed_examples_almost_as_the_student(world: World, student, compressed):
    model, expected = CompressedModel(compressed.model_uri), world.logits(student)[:, 0]

    transformed = model.answer_transformed(list(world.examples))
    from_raw = np.concatenate([model.answer_example(tf.constant([raw(row)])) for row in rows()])

    assert transformed.shape == from_raw.shape == (COUNT, 3)
    np.testing.assert_array_equal(transformed, from_raw)
    assert 0 < np.abs(transformed - expected).max() < 0.15
    assert (transformed.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.9


def test_the_record_is_what_the_file_is(compressed):
    folder = Path(compressed.model_uri)
    assert {path.name for path in folder.iterdir()} == {FILE, TRANSFORM, RECORD}
    record = from_json(CompressionRecord, (folder / RECORD).read_text())
    assert (record.recipe, record.file.bytes) == ("int8", (folder / FILE).stat().st_size)
    kernels = {one.shape: one.dtype for one in record.tensors if len(one.shape) == 2}
    assert kernels == {(40, 4): "int8", (3, 40): "int8"}
    assert record.float_operators == ()


def test_it_leaves_a_history_and_a_record_as_a_training_does(compressed):
    folder = Path(compressed.record_uri)
    assert json.loads((folder / "history.json").read_text()) == {"parameters": 5 * 40 + 41 * 3, "members": [[]]}
    left = from_json(RankRecord, (folder / "rank-0.json").read_text())
    assert (left.role, left.steps, left.examples) == ("chief", 0, 0)


def test_the_caller_of_the_docs_needs_nothing_but_tensorflow(compressed):
    """No code of ours, and no package of TFX: its folder and an isolated interpreter have none."""
    program = (PROJECT / "docs" / "examples" / "compressed_caller.py").read_text(encoding="utf-8")
    program += "assert not {'limbeck', 'tfx', 'tensorflow_transform'} & {one.split('.')[0] for one in sys.modules}"
    given = {"x": [0.5, -1.0, 2.0, 0.25]}
    done = subprocess.run(
        [sys.executable, "-c", program, compressed.model_uri, json.dumps(given)], capture_output=True, text=True,
        check=False, env={"PATH": os.environ["PATH"]}, cwd=compressed.record_uri,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = CompressedModel(compressed.model_uri).answer_example(tf.constant([raw(given)]))
    np.testing.assert_allclose([json.loads(done.stdout)], expected, atol=1e-6)


def test_calibration_takes_the_examples_that_training_takes_first(world: World, student, compressed, monkeypatch):
    seen = []
    monkeypatch.setattr(litert, "convert", lambda *given: seen.append(given) or b"")
    with pytest.raises(ValueError):  # no file to read back
        compressing.run(dataclasses.replace(compressed, compression=CompressionConfig("int8", representative=7)))
    order = np.random.Generator(np.random.Philox(np.random.SeedSequence([compressed.training.seed, 0])))
    by_id = sorted(world.examples, key=lambda one: values_of(one, EXAMPLE_ID)[0])
    expected = [values_of(by_id[place], "x") for place in order.permutation(COUNT)[:7]]
    np.testing.assert_array_equal([one["x"][0] for one in seen[0][3]], np.float32(expected))


def test_a_split_smaller_than_the_representative_set_gives_each_example_once(world: World, student, compressed):
    session = training.join_job(compressed)
    found = representative.examples(session, frozenset({"x"}), 10_000)
    assert len(found) == len({one["x"].tobytes() for one in found}) == COUNT


def test_another_student_than_the_one_that_the_task_builds_is_refused(world: World, student, tmp_path: Path):
    job = compression(world, student, tmp_path / "job", hyperparameters={"units": 41})
    with pytest.raises(ConfigError, match="is not the one that build_student builds"):
        compressing.run(job)
    assert not Path(job.model_uri).exists()


@pytest.mark.parametrize("changes", [
    {"student_uri": None}, {"compression": None}, {"entry": "teacher"}, {"members": 2},
])  # fmt: skip
def test_what_a_job_that_compresses_needs(world: World, student, tmp_path: Path, changes: dict):
    entry = changes.pop("entry", "student")
    with pytest.raises(ConfigError, match="a job that compresses has"):
        world.job(tmp_path / "job", entry, **({"compression": INT8, "student_uri": student.model_uri} | changes))


def test_a_sparse_input_is_refused(world: World, student, tmp_path: Path):
    from limbeck.trainer.serving import compressed as serving

    session = training.join_job(compression(world, student, tmp_path / "job"))

    class Sparse:
        def transformed_feature_spec(self):
            return {"x": tf.io.VarLenFeature(tf.float32)}

    with pytest.raises(TaskError, match=r"its input 'x' is sparse, and a \.tflite file takes dense"):
        serving.input_specs(Sparse(), frozenset({"x"}), session.who)


@pytest.mark.parametrize(("given", "kept"), [
    ({}, {}),
    ({"temperature": 4.0, "alpha": 0.5, "decoupled_weight": 2.0},) * 2,
    ({"inputs": "augmented", "hint_weight": 3.0}, {"soft_target_weight": 1.0}),
    ({"soft_target_weight": 0.0, "hidden_cosine_weight": 1.0}, {"soft_target_weight": 1.0}),
    ({"inputs": "mixup", "alpha": 1.0}, {"alpha": 1.0}),
])  # fmt: skip
def test_a_further_training_takes_of_the_loss_what_needs_no_teacher_beside_it(given: dict, kept: dict):
    found = without_teachers(DistillationConfig(**given))
    assert found == DistillationConfig(**kept)
    assert not found.calls_teachers
