"""The table of predictions, held against the same figures computed otherwise in float64."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limbeck import files
from limbeck.components.predictor import tables
from limbeck.components.predictor.tables import Measured, ModelFacts
from limbeck.errors import DataError
from limbeck.models import HARD_LABELS, STUDENT, TEACHER
from limbeck.objectives.classes import UNKNOWN_CLASS
from limbeck.records import to_json
from limbeck.trainer.serving.latency import Latency
from tests.classes import classes

SCHEMA = tables.schema(classes())


def quality(rows: pa.Table, model: str, split: str, count: int = 2) -> tables.Quality:
    return tables.quality(rows, model, split, classes(count))


def softmax(logits: Any) -> npt.NDArray[np.float64]:
    shifted = np.asarray(logits, np.float64) - np.max(logits, axis=-1, keepdims=True)
    return np.exp(shifted) / np.exp(shifted).sum(axis=-1, keepdims=True)


def row(model: str, label: int, logits: list[float], split: str = "test", number: int = 0) -> dict[str, Any]:
    return {"example_id": f"id-{number}", "split": split, "model": model, "label": label, "logits": logits}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


@pytest.mark.parametrize(("members", "count"), [(2, 2), (5, 10), (3, 40)])
def test_ensemble_logits_are_the_logarithm_of_the_mean_probability(members: int, count: int):
    logits = np.random.default_rng(members).normal(0, 5, (members, count)).astype(np.float32)

    ensemble = classes(count).ensemble(logits)

    assert ensemble.dtype == np.float32
    assert ensemble.shape == (count,)
    np.testing.assert_allclose(ensemble, np.log(softmax(logits).mean(axis=0)), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(np.exp(ensemble.astype(np.float64)).sum(), 1.0, rtol=1e-6)


def test_extreme_logits_overflow_neither_way():
    logits = np.array([[1e4, -1e4, 0.0], [-3e4, 3e4, 0.0]], np.float32)

    ensemble = classes().ensemble(logits)

    # Each member is sure of a class of its own: half the probability each. The third has e^-10000 of one member.
    np.testing.assert_allclose(ensemble, [-math.log(2), -math.log(2), -1e4 - math.log(2)], rtol=1e-6)


def test_a_single_members_logits_stay_as_they_are():
    logits = np.array([[3.0, -2.0, 0.5]], np.float32)

    np.testing.assert_array_equal(classes().ensemble(logits), logits[0])


def test_accuracy_and_log_loss_equal_those_of_the_probabilities():
    generator = np.random.default_rng(7)
    logits = generator.normal(0, 3, (200, 4)).astype(np.float32)
    labels = generator.integers(0, 4, 200)
    rows = [
        row(STUDENT, int(label), one.tolist(), number=n)
        for n, (label, one) in enumerate(zip(labels, logits, strict=True))
    ]

    result = quality(table(*rows), STUDENT, "test", 4)

    probabilities = softmax(logits)
    assert result.examples == 200
    assert result.score == np.mean(probabilities.argmax(axis=1) == labels)
    assert result.loss == pytest.approx(-np.log(probabilities[np.arange(200), labels]).mean(), rel=1e-9)


def test_quality_reads_one_model_and_one_split_only():
    mixed = table(
        row(STUDENT, 0, [5.0, 0.0]),
        row(TEACHER, 0, [0.0, 5.0]),
        row(STUDENT, 1, [5.0, 0.0], split="train"),
        row(STUDENT, 1, [5.0, 0.0], split="validation"),
    )

    assert quality(mixed, STUDENT, "test").score == 1.0
    assert quality(mixed, TEACHER, "test").score == 0.0
    assert quality(mixed, STUDENT, "train").score == 0.0


def test_unlabelled_rows_are_left_out():
    rows = [row(STUDENT, 1, [0.0, 2.0]), row(STUDENT, -1, [9.0, 0.0]), row(STUDENT, 0, [0.0, 2.0])]

    result = quality(table(*rows), STUDENT, "test")

    assert (result.examples, result.score) == (2, 0.5)
    assert result == quality(table(rows[0], rows[2]), STUDENT, "test")


def test_a_label_that_the_task_does_not_declare_is_an_error_and_no_mistake_of_the_model():
    rows = [row(STUDENT, label, [0.0, 9.0, 0.0]) for label in (1, -1, UNKNOWN_CLASS)]
    tables.assert_labels_declared(table(*rows[:2]), classes(3))

    with pytest.raises(DataError, match=r"1 of 3 examples of the split 'test'"):
        tables.assert_labels_declared(table(*rows), classes(3))


@pytest.mark.parametrize("rows", [[], [row(STUDENT, -1, [1.0, 0.0])], [row(TEACHER, 0, [1.0, 0.0])]])
def test_without_labelled_examples_the_figures_are_undefined(rows: list[dict[str, Any]]):
    result = quality(table(*rows), STUDENT, "test")

    assert result.examples == 0
    assert math.isnan(result.score)
    assert math.isnan(result.loss)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_logits_that_are_no_numbers_make_the_figures_undefined(broken: float):
    # Of a row of NaN, np.argmax answers 0: a model that is broken all through would be right about class 0.
    rows = [row(STUDENT, 0, [broken, broken]), row(STUDENT, 1, [0.0, 1.0])]

    result = quality(table(*rows), STUDENT, "test")

    assert result.examples == 2
    assert math.isnan(result.score)
    assert math.isnan(result.loss)


def test_what_was_predicted_right_is_paired_by_example():
    students = [row(STUDENT, 1, [0.0, 1.0], number=n) for n in (2, 0, 1)]
    teachers = [row(TEACHER, 1, [float(n == 1), 0.5], number=n) for n in (0, 1, 2)]
    elsewhere = [row(STUDENT, 0, [0.0, 1.0], split="train", number=5), row(STUDENT, -1, [0.0, 1.0], number=6)]

    answers = tables.answers(table(*elsewhere, *teachers, *students), "test", classes())

    assert answers.labels.tolist() == [1, 1, 1]
    assert {name: classes().scores(one, answers.labels).tolist() for name, one in answers.outputs.items()} == {
        STUDENT: [1.0, 1.0, 1.0],
        TEACHER: [1.0, 0.0, 1.0],
    }


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_model_with_a_logit_that_is_no_number_is_left_out(broken: float):
    rows = [row(model, 0, [1.0, 0.0], number=n) for model in (TEACHER, STUDENT) for n in range(3)]
    rows += [row(HARD_LABELS, 0, [1.0, broken if n == 1 else 0.0], number=n) for n in range(3)]

    assert set(tables.answers(table(*rows), "test", classes()).outputs) == {TEACHER, STUDENT}


def test_a_logit_of_an_unlabelled_example_leaves_no_model_out():
    rows = [row(STUDENT, 0, [1.0, 0.0], number=0), row(STUDENT, -1, [math.nan, 0.0], number=1)]

    answers = tables.answers(table(*rows), "test", classes())
    assert (answers.labels.tolist(), answers.outputs[STUDENT].tolist()) == ([0], [[1.0, 0.0]])


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Predictions of two models for two splits, one of them in two files."""
    rows = {
        "train-00000-of-00001": [row(model, 1, [0.0, 1.0], "train") for model in (STUDENT, TEACHER)],
        "test-00000-of-00002": [row(model, 0, [0.0, 1.0], number=1) for model in (STUDENT, TEACHER)],
        "test-00001-of-00002": [row(STUDENT, 1, [0.0, 2.0], number=2)],
    }
    for name, some in rows.items():
        pq.write_table(table(*some), tmp_path / f"{name}.parquet")
    return str(tmp_path)


def test_a_split_is_read_with_the_model_and_the_columns_that_are_wanted(folder: str):
    whole = tables.read(folder, "test")
    labels = tables.read(folder, "test", STUDENT, ["label", "example_id"])
    teachers = tables.read(folder, "test", TEACHER)

    assert whole.schema.equals(SCHEMA)
    assert whole["example_id"].to_pylist() == ["id-1", "id-1", "id-2"]
    assert labels.to_pydict() == {"label": [0, 1], "example_id": ["id-1", "id-2"]}
    assert teachers.to_pylist() == [row(TEACHER, 0, [0.0, 1.0], number=1)]
    assert tables.read(folder, "test", HARD_LABELS, ["label"]).to_pydict() == {"label": []}
    with pytest.raises(FileNotFoundError, match=r"of the split 'validation', and there are none in"):
        tables.read(folder, "validation")


def test_no_file_of_another_split_is_opened(folder: str, opened: list[str]):
    """Each of three nodes read every split of every model."""
    tables.read(folder, "train", TEACHER)

    assert opened == ["train-00000-of-00001.parquet"]


def test_the_test_split_is_read_once_a_process_and_again_where_its_files_change(folder: str, opened: list[str]):
    first = tables.read_test_split(folder)

    assert tables.read_test_split(folder) is first
    assert first.equals(tables.read(folder, "test"))
    assert len(opened) == 4
    pq.write_table(
        table(*[row(STUDENT, 1, [0.5, 2.0], number=n) for n in range(9)]), f"{folder}/test-00001-of-00002.parquet"
    )
    assert len(tables.read_test_split(folder)) == 11


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are opened."""
    names: list[str] = []
    open_to_read = files.open_to_read

    def counting(location: files.Location) -> Any:
        names.append(Path(location).name)
        return open_to_read(location)

    monkeypatch.setattr(files, "open_to_read", counting)
    return names


def test_measurements_survive_their_file(tmp_path: Path):
    facts = {STUDENT: ModelFacts(parameters=3, bytes=4, latency_ms=Latency(0.5, 0.75))}
    metrics = {STUDENT: {"accuracy": 0.5, "log_loss": None}}
    measured = Measured(facts, classes().measure, metrics, {STUDENT: 12})
    (tmp_path / tables.MEASUREMENTS_FILE).write_text(to_json(measured), encoding="utf-8")

    assert tables.read_measured(str(tmp_path)) == measured
