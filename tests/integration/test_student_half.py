"""The student half in someone's pipeline, whose project has `components` and `trainer` of its own.

Everything is theirs but the nodes of the student half: stock CsvExampleGen, Transform, Trainer, Pusher and runner. What
was computed is computed once more here, by NumPy from their SavedModel and the pushed student.
"""

from __future__ import annotations

import collections
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from tests.components.world import features_of
from tests.integration.installed import Environment, install
from tests.integration.runs import PROJECT

pytestmark = [pytest.mark.pipeline, pytest.mark.long]

OURS = {"ExampleAdapter", "TeacherAdapter", "TeacherLabeler", "Distiller", "Predictor", "Gate"}
OURS |= {"DistillerHardLabels", "DistillerPseudoLabels"}
THEIRS = {"CsvExampleGen", "StatisticsGen", "SchemaGen", "Transform", "Trainer", "Pusher"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def root(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; the project is beside it."""
    from sklearn.datasets import load_wine

    folder = tmp_path_factory.mktemp("someone")
    shutil.copytree(Path(__file__).parent / "someones_project", folder / "project")
    (folder / "run" / "data").mkdir(parents=True)
    wine = load_wine(as_frame=True).frame.rename(columns={"target": "cultivar"})
    wine.to_csv(folder / "run" / "data" / "wine.csv", index=False)
    environment.run("python", "pipeline.py", str(folder / "run"), cwd=folder / "project")
    return folder / "run"


def newest(root: Path, node: str, output: str) -> Path:
    return max((root / "pipeline" / node / output).iterdir(), key=lambda path: int(path.name))


def records(folder: Path, split: str) -> list[bytes]:
    files = sorted(str(path) for path in (folder / f"Split-{split}").iterdir())
    return list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())


def answers(folder: Path, examples: list[bytes], output: str) -> dict[bytes, Any]:
    """What a SavedModel answers to each raw example: float64 `[classes]`."""
    served = tf.saved_model.load(str(folder)).signatures["serving_default"](tf.constant(examples))
    return dict(zip(examples, served[output].numpy().astype(np.float64), strict=True))


def softmax(logits: Any) -> Any:
    exponents = np.exp(np.asarray(logits, np.float64) - np.max(logits, axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def raw_of(root: Path) -> dict[bytes, bytes]:
    """The raw example of each content id."""
    folder = newest(root, "ExampleAdapter", "transformed_examples")
    adapted = [features_of(one) for split in ("train", "test") for one in records(folder, split)]
    return {one["example_id"][0]: one["raw_example"][0] for one in adapted}


@pytest.mark.parametrize(("theirs", "ours"), [("train", "train"), ("eval", "test")])
def test_soft_targets_are_what_their_model_says(root: Path, raw_of: dict[bytes, bytes], theirs: str, ours: str):
    raw = records(newest(root, "CsvExampleGen", "examples"), theirs)
    said = answers(newest(root, "Trainer", "model") / "Format-Serving", raw, "outputs")
    labelled = [features_of(one) for one in records(newest(root, "TeacherLabeler", "labelled_examples"), ours)]

    found = {raw_of[one["example_id"][0].rpartition(b"-")[0]]: one for one in labelled}
    assert sorted(found) == sorted(raw)
    assert len(raw) > 50
    for example, one in found.items():
        np.testing.assert_allclose(softmax(one["teacher_logits"]), said[example], rtol=0, atol=1e-6)
        assert one["label"] == features_of(example)["cultivar"]


@pytest.fixture(scope="module")
def predictions(root: Path) -> pa.Table:
    return pq.read_table(list(newest(root, "Predictor", "predictions").glob("test-*.parquet")))


def test_predictions_are_what_the_pushed_student_serves(
    root: Path, raw_of: dict[bytes, bytes], predictions: pa.Table
):
    [pushed] = (root / "serving").iterdir()
    raw = records(newest(root, "CsvExampleGen", "examples"), "eval")
    served = answers(pushed, raw, "logits")
    rows = [row for row in predictions.to_pylist() if row["model"] == "student"]

    assert len(rows) == len(raw)
    for row in rows:
        example = raw_of[row["example_id"].rpartition("-")[0].encode()]
        np.testing.assert_allclose(row["logits"], served[example], rtol=1e-4, atol=1e-4)


def test_the_verdict_is_that_of_the_accuracies(root: Path, predictions: pa.Table):
    right = collections.defaultdict(list)
    for row in predictions.to_pylist():
        right[row["model"]].append(np.argmax(row["logits"]) == row["label"])
    accuracy = {name: float(np.mean(some)) for name, some in right.items()}
    decision = json.loads((newest(root, "Gate", "blessing") / "decision.json").read_text())
    measured = json.loads((newest(root, "Predictor", "measurements") / "measurements.json").read_text())

    assert {name: one["accuracy"] for name, one in measured["metrics"].items()} == pytest.approx(accuracy)
    assert set(accuracy) == {"teacher", "student", "student_hard_labels", "student_pseudo_labels"}
    assert accuracy["teacher"] > 0.9
    assert decision["passed"] == (accuracy["teacher"] - accuracy["student"] <= 0.05)
    found = {name: one["difference"]["value"] for name, one in decision["verdicts"]["against"].items()}
    expected = {name: accuracy["student"] - accuracy[name] for name in accuracy if name.startswith("student_")}
    assert found == pytest.approx(expected)


def test_the_teachers_weights_are_counted_without_its_optimizer(root: Path):
    measured = json.loads((newest(root, "Predictor", "measurements") / "measurements.json").read_text())

    assert measured["models"]["teacher"]["parameters"] == 6 * 32 + 32 + 32 * 3 + 3
    assert measured["models"]["student"]["parameters"] == 6 * 3 + 3
    assert measured["models"]["teacher"]["latency_ms"]["p50"] > 0


def test_a_second_run_computes_nothing_again(environment: Environment, root: Path):
    environment.run("python", "pipeline.py", str(root), cwd=root.parent / "project")

    states = executions(root / "metadata.sqlite")
    assert set(states) == OURS | THEIRS
    # TFX's own Pusher says that it depends on the world, and runs each time.
    assert {name for name, some in states.items() if some != ["COMPLETE", "CACHED"]} <= {"Pusher"}


def executions(metadata: Path) -> dict[str, list[str]]:
    """The states of the executions of each node, in their order."""
    from ml_metadata.metadata_store import MetadataStore
    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration.metadata import sqlite_metadata_connection_config

    store = MetadataStore(sqlite_metadata_connection_config(str(metadata)))
    found = collections.defaultdict(list)
    for context in store.get_contexts_by_type("node"):
        name = context.name.rpartition(".")[2]
        for one in sorted(store.get_executions_by_context(context.id), key=lambda it: it.id):
            found[name].append(metadata_store_pb2.Execution.State.Name(one.last_known_state))
    return found


def test_their_project_is_the_one_that_was_meant():
    project = Path(__file__).parent / "someones_project"

    clash = {path.name for path in project.iterdir()} & {path.name for path in PROJECT.iterdir()}
    assert clash >= {"components", "trainer", "pipeline.py"}
