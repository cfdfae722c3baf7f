"""Each of several labels by itself, and all of their answers together, against scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from limbeck.components.predictor import tables
from limbeck.components.reporter import label_figures
from limbeck.components.reporter.reliability import reliability
from limbeck.components.reporter.roc import roc
from limbeck.components.reporter.scores import judgeable
from limbeck.models import STUDENT, TEACHER
from limbeck.objectives.registry import objective_of
from limbeck.task import Label

COLUMNS, COUNT = ("rare", "never", "often"), 80
OBJECTIVE = objective_of(Label("y", objective="multi_label", columns=COLUMNS))
LABELS = (np.random.default_rng(0).random([COUNT, 3]) < [0.2, 0.0, 0.7]).astype(np.int64)
UNLABELLED = 5


def outputs(model: str) -> np.ndarray:
    generator = np.random.default_rng(len(model))
    return (generator.normal(size=[COUNT, 3]) + LABELS).astype(np.float32)


def table(models: tuple[str, ...] = (TEACHER, STUDENT)) -> pa.Table:
    rows = [
        {"example_id": f"{number:03}", "split": "test", "model": model,
         "label": [-1] * 3 if number == UNLABELLED else label, "logits": logits}
        for model in models
        for number, (label, logits) in enumerate(zip(LABELS.tolist(), outputs(model).tolist(), strict=True))
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=tables.schema(OBJECTIVE))


def test_each_label_has_the_areas_of_the_models():
    known = np.arange(COUNT) != UNLABELLED

    found = label_figures.read(table(), (TEACHER, STUDENT), OBJECTIVE)

    assert [one.label for one in found] == list(COLUMNS)
    assert [one.positives for one in found] == LABELS[known].sum(axis=0).tolist()
    assert {one.examples for one in found} == {COUNT - 1}
    for number, one in enumerate(found):
        if COLUMNS[number] == "never":
            assert one.auc == {TEACHER: None, STUDENT: None}
            continue
        expected = {
            model: roc_auc_score(LABELS[known, number], outputs(model)[known, number]) for model in one.auc
        }
        assert one.auc == pytest.approx(expected)


def test_a_curve_is_of_all_answers():
    known = np.arange(COUNT) != UNLABELLED
    found = judgeable(table(), STUDENT, "test", OBJECTIVE)

    assert found is not None
    curve = roc(found)
    assert curve is not None
    expected = roc_auc_score(LABELS[known], outputs(STUDENT)[known], average="micro")
    assert curve.area == pytest.approx(expected)


def test_without_predictions_there_are_no_figures():
    assert label_figures.read(tables.schema(OBJECTIVE).empty_table(), (STUDENT,), OBJECTIVE) == ()


def test_an_answer_that_is_missing_counts_nowhere():
    labels = np.where(np.random.default_rng(3).random([COUNT, 3]) < 0.3, -1, LABELS)
    rows = [
        {"example_id": f"{number:03}", "split": "test", "model": STUDENT, "label": label, "logits": logits}
        for number, (label, logits) in enumerate(zip(labels.tolist(), outputs(STUDENT).tolist(), strict=True))
    ]
    gaps = pa.Table.from_pylist(rows, schema=tables.schema(OBJECTIVE))

    found = label_figures.read(gaps, (STUDENT,), OBJECTIVE)

    assert [one.examples for one in found] == (labels != -1).sum(axis=0).tolist()
    assert [one.positives for one in found] == (labels == 1).sum(axis=0).tolist()
    for number in (0, 2):
        has = labels[:, number] != -1
        expected = roc_auc_score(labels[has, number], outputs(STUDENT)[has, number])
        assert found[number].auc == {STUDENT: pytest.approx(expected)}
    judged = judgeable(gaps, STUDENT, "test", OBJECTIVE)
    assert judged is not None
    curve = roc(judged)
    assert curve is not None
    assert curve.area == pytest.approx(roc_auc_score(labels[labels != -1], outputs(STUDENT)[labels != -1]))
    assert sum(one.examples for one in reliability(judged).bins) == (labels != -1).sum()
