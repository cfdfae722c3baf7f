"""Figures, confusion matrices and ROC curves as a UI takes them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc, confusion_matrix, roc_curve

from limbeck.components.reporter.confusion import confusion
from limbeck.components.reporter.roc import roc
from limbeck.components.reporter.scores import Scores
from limbeck.components.visualizer import metadata
from limbeck.report.findings import Findings
from limbeck.report.schema import ModelReport
from limbeck.report.verdicts import Interval
from tests.components.visualizer import left

pytestmark = pytest.mark.long

# What one artifact on Vertex AI may hold.
VERTEX_BYTES = 200_000


def scores_of(labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int) -> Scores:
    import pyarrow as pa

    noise = np.random.default_rng(0).normal(size=(len(labels), classes))
    return Scores(
        pa.chunked_array([[str(one) for one in range(len(labels))]]),
        labels,
        noise + 9 * np.eye(classes)[predicted],
    )


@given(st.integers(2, 12), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_a_matrix_is_scikit_learns(classes: int, examples: int, seed: int):
    generator = np.random.default_rng(seed)
    labels, predicted = generator.integers(0, classes, (2, examples))
    names = tuple(f"class {index}" for index in range(classes))
    scores = scores_of(labels, predicted, classes)
    predicted = scores.logits.argmax(axis=1)

    drawn = metadata.confusion_matrix(confusion(scores, names))

    assert [row["row"] for row in drawn["rows"]] == confusion_matrix(
        labels, predicted, labels=range(classes)
    ).tolist()
    assert [one["displayName"] for one in drawn["annotationSpecs"]] == list(names)


def test_classes_beyond_a_screens_worth_are_counted_together():
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 300, 20_000)
    # Mistakes among the first 60 classes, more of them the further on.
    predicted = np.where((labels < 60) & (generator.random(20_000) < labels / 60), (labels + 1) % 60, labels)
    scores = scores_of(labels, predicted, 300)
    predicted = scores.logits.argmax(axis=1)
    names = tuple(f"class {index}" for index in range(300))

    drawn = metadata.confusion_matrix(confusion(scores, names))

    shown = [one["displayName"] for one in drawn["annotationSpecs"]]
    assert len(shown) == metadata.CLASSES
    assert shown[-1] == "251 other classes"
    own = [names.index(name) for name in shown[:-1]]
    assert own == sorted(own)
    grouped = [np.array([own.index(one) if one in own else 49 for one in some]) for some in (labels, predicted)]
    assert [row["row"] for row in drawn["rows"]] == confusion_matrix(*grouped, labels=range(50)).tolist()
    # The most mistakes are shown.
    wrong = np.bincount(labels[labels != predicted], minlength=300) + np.bincount(
        predicted[labels != predicted], minlength=300
    )
    assert min(wrong[own]) >= max(np.delete(wrong, own))


def test_what_one_artifact_holds_fits_on_vertex():
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 1000, 30_000)
    scores = scores_of(labels, generator.integers(0, 1000, 30_000), 1000)
    names = tuple(
        "a very long name of a class, as people have them in taxonomies " * 3 + str(index) for index in range(1000)
    )
    curve = roc(scores)
    assert curve is not None

    drawn = metadata.classification(
        Findings(names, confusion={"student": confusion(scores, names)}, roc={"student": curve}), "student"
    )

    assert len(json.dumps(drawn, allow_nan=False)) < VERTEX_BYTES / 2


def test_a_curve_has_the_keys_and_kinds_that_are_drawn():
    generator = np.random.default_rng(6)
    labels = generator.integers(0, 2, 5000)
    scores = scores_of(labels, generator.integers(0, 2, 5000), 2)
    curve = roc(scores)
    assert curve is not None

    drawn = metadata.confidence_metrics(curve)

    assert len(drawn) <= 200
    assert {tuple(one) for one in drawn} == {("confidenceThreshold", "falsePositiveRate", "recall")}
    wrong, right, _ = roc_curve(labels, scores.logits[:, 1] - scores.logits[:, 0])
    ours = auc([one["falsePositiveRate"] for one in drawn], [one["recall"] for one in drawn])
    assert ours == pytest.approx(auc(wrong, right), abs=1e-3)
    assert all(isinstance(value, float) and np.isfinite(value) for one in drawn for value in one.values())


def test_figures_are_those_of_the_report():
    report = left.sample()

    assert metadata.figures(report, "student") == {
        "accuracy": report.models["student"].metrics["accuracy"],
        "log_loss": 0.142,
        "roc_auc": pytest.approx(np.pi / 4),
        "gap_recovered": 0.792,
        "weights": 2410.0,
        "bytes": 71_322.0,
        "latency_ms_p50": 0.121,
        "latency_ms_p99": 0.262,
        "labelled_test_examples": 250.0,
    }
    assert set(metadata.figures(report, "student_hard_labels")) == {
        *("accuracy", "log_loss", "weights", "bytes", "latency_ms_p50", "latency_ms_p99", "labelled_test_examples")
    }


def test_what_is_undefined_is_left_out():
    model = ModelReport({"accuracy": None, "log_loss": None}, 1, 2, 0.5, 0.75)
    # Of a gap that is not shown there is no share.
    gap = Interval(-6.02, None, None)
    report = dataclasses.replace(left.sample(), models={"student": model}, findings=None, gap_recovered=gap)

    known = {"weights": 1.0, "bytes": 2.0, "latency_ms_p50": 0.5, "latency_ms_p99": 0.75}
    assert metadata.figures(report, "student") == known
    assert metadata.classification(Findings(()), "student") == {}
