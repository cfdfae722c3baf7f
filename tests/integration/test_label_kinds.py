"""Each kind of label on real data, from a table to the served student; scikit-learn computes its figures again."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.dataset
import pytest
import tensorflow as tf
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)

from limbeck.models import CONTROLS, HARD_LABELS, STUDENT, TEACHER
from tests.integration.kinds import diabetes, findings, tumours
from tests.integration.runs import Finished, run
from tests.trained import TRAINED

pytestmark = [pytest.mark.pipeline, pytest.mark.processes, pytest.mark.long]
TASKS = Path(__file__).parent / "kinds"


def finished(task: Any, root: Path, *settings: str) -> Finished:
    """Writes the data of a task, and runs it."""
    task.write(root.parent / "data")
    return run(
        str(TASKS / f"{task.__name__.rpartition('.')[2]}.py"),
        root,
        f"data.path={root.parent}/data",
        *settings,
        options=("--config", str(TASKS / "settings.yaml")),
    )


def predictions(root: Path) -> pd.DataFrame:
    """The labelled rows of the test split in Predictor's table, sorted by model and example."""
    [folder] = (root / "pipeline" / "Predictor" / "predictions").iterdir()
    files = [str(path) for path in folder.glob("test-*.parquet")]
    table = pyarrow.dataset.dataset(files).to_table().to_pandas()
    return table.sort_values(["model", "example_id"])


def answered(table: pd.DataFrame, model: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Labels, and outputs `[examples, outputs]`, of one model."""
    rows = table[table["model"] == model]
    return np.stack(rows["label"].to_list()), np.stack(rows["logits"].to_list()).astype(np.float64)


def served(root: Path, inputs: dict[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Answers of the pushed model to raw features."""
    model = tf.saved_model.load(str(root / "serving" / "1"))
    answers = model.signatures["serving_tensors"](**{name: tf.constant(one) for name, one in inputs.items()})
    return {name: one.numpy() for name, one in answers.items()}


def tensor_names(inputs: dict[str, Any]) -> dict[str, Any]:
    """The same inputs under their names in `serving_tensors`."""
    from limbeck.trainer.serving.export import tensor_name

    return {tensor_name(name): one for name, one in inputs.items()}


def sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-logits))


def assert_served_as_judged(answers: dict[str, npt.NDArray[Any]], table: pd.DataFrame) -> None:
    """What the pushed model answers to all raw rows includes what was judged of it."""
    _, judged = answered(table, STUDENT)
    apart = np.abs(judged[:, np.newaxis] - answers["logits"].astype(np.float64)).max(axis=-1).min(axis=1)
    assert apart.max() < 1e-4 * max(1.0, np.abs(judged).max())


def assert_verdicts(report: dict[str, Any], values: dict[str, float]) -> None:
    """The verdicts are on differences of the measure."""
    assert set(report["against"]) == set(CONTROLS)
    for control, one in report["against"].items():
        difference = one["difference"]
        assert difference["value"] == pytest.approx(values[STUDENT] - values[control], abs=1e-9)
        assert difference["low"] <= difference["value"] <= difference["high"]
    if values[TEACHER] > values[HARD_LABELS]:
        gap = (values[STUDENT] - values[HARD_LABELS]) / (values[TEACHER] - values[HARD_LABELS])
        assert report["gap_recovered"]["value"] == pytest.approx(gap, abs=1e-9)


def test_binary(tmp_path: Path):
    root = tmp_path / "root"
    done = finished(tumours, root, "gate.tolerance=0.1")

    assert done.code == 0, done.output
    report, table = done.report, predictions(root)
    assert report["measure"] == {"key": "auc", "name": "AUC", "unit": "number", "most": 1.0}
    areas = {}
    for name in TRAINED:
        labels, logits = answered(table, name)
        probability = sigmoid(logits[:, 0])
        found = report["models"][name]["metrics"]
        areas[name] = found["auc"]
        assert found["auc"] == pytest.approx(roc_auc_score(labels, probability), abs=1e-12)
        assert found["accuracy"] == pytest.approx(accuracy_score(labels, probability > 0.5))
        assert found["log_loss"] == pytest.approx(log_loss(labels, probability), rel=1e-6)
        assert report["models"][name]["examples"] == len(labels)
        confusion = report["findings"]["confusion"][name]
        assert confusion["classes"] == ["benign", "malignant"]
        np.testing.assert_array_equal(confusion["counts"], confusion_matrix(labels, probability > 0.5))
    assert areas[TEACHER] > 0.95
    assert areas[STUDENT] > 0.9
    assert_verdicts(report, areas)
    for name in (TEACHER, STUDENT):
        assert report["findings"]["roc"][name]["area"] == pytest.approx(areas[name], abs=1e-9)
    whole, *parts = report["findings"]["slices"]
    assert whole["accuracy"] == pytest.approx({name: areas[name] for name in (TEACHER, STUDENT)}, abs=2e-3)
    raw = pd.read_csv(tmp_path / "data" / "tumours.csv")
    pure = {str(size) for size, rows in raw.groupby("size") if rows["diagnosis"].nunique() == 1}
    assert pure
    for part in parts:
        undefined = part["features"]["size"] in pure
        assert all((one is None) == undefined or one is None for one in part["accuracy"].values())
        assert 0.0 not in part["accuracy"].values()
    # Transform read them by TFX's own way, and the ids are found again in the raw examples.
    sizes = {str(size) for size in raw["size"]}
    assert report["findings"]["soft_targets"]
    for one in report["findings"]["soft_targets"]:
        assert one["raw"]
        assert one["inputs"]["size"] in sizes

    fresh = raw
    answers = served(
        root,
        tensor_names(
            {name: fresh[name].to_numpy(np.float32) for name in tumours.MEASUREMENTS}
            | {"size": fresh["size"].to_numpy(np.int64)}
        ),
    )
    np.testing.assert_allclose(answers["probability"], sigmoid(answers["logits"][:, 0].astype(float)), rtol=1e-5)
    np.testing.assert_array_equal(answers["class"], answers["probability"] > 0.5)
    expected = np.where(answers["class"] == 1, b"malignant", b"benign")
    np.testing.assert_array_equal(answers["label"], expected)
    assert (answers["label"].astype(str) == fresh["diagnosis"]).mean() > 0.85
    assert_served_as_judged(answers, table)
    page = (root / "report.html").read_text(encoding="utf-8")
    assert "AUC against size" in page
    assert "gate.tolerance" in page


def test_regression(tmp_path: Path):
    root = tmp_path / "root"
    done = finished(diabetes, root, "gate.tolerance=0.2")

    assert done.code == 0, done.output
    assert "examples have no label" in done.output
    report, table = done.report, predictions(root)
    assert report["measure"] == {"key": "r_squared", "name": "R²", "unit": "number", "most": None}
    values = {}
    for name in TRAINED:
        labels, outputs = answered(table, name)
        known = ~np.isnan(labels)
        labels, outputs = labels[known].astype(float), outputs[known, 0]
        found = report["models"][name]["metrics"]
        values[name] = found["r_squared"]
        assert found["r_squared"] == pytest.approx(r2_score(labels, outputs), abs=1e-12)
        assert found["mean_squared_error"] == pytest.approx(mean_squared_error(labels, outputs))
        assert found["mean_absolute_error"] == pytest.approx(mean_absolute_error(labels, outputs))
        assert report["models"][name]["examples"] == known.sum() < len(known)
    assert values[TEACHER] > 0.3
    assert values[STUDENT] > 0.25
    assert_verdicts(report, values)
    whole, *parts = report["findings"]["slices"]
    assert whole["accuracy"] == pytest.approx({name: values[name] for name in (TEACHER, STUDENT)}, abs=1e-4)
    assert {part["features"]["sex"] for part in parts} == {"1", "2"}
    for none in ("confusion", "reliability", "roc", "soft_targets", "labels"):
        assert not report["findings"][none]
    assert not [text for text in done.output.splitlines() if "temperature" in text]

    fresh = pd.read_csv(tmp_path / "data" / "diabetes.csv")
    given = {name: fresh[name].to_numpy(np.float32) for name in diabetes.MEASUREMENTS}
    answers = served(root, given | {"sex": fresh["sex"].to_numpy(np.int64)})
    assert set(answers) == {"logits", "value"}
    np.testing.assert_array_equal(answers["value"], answers["logits"][:, 0])
    labelled = fresh["progression"].notna()
    assert r2_score(fresh["progression"][labelled], answers["value"][labelled]) > 0.25
    assert_served_as_judged(answers, table)
    page = re.sub(r"<[^>]*>", " ", (root / "report.html").read_text(encoding="utf-8"))
    assert "R² against size" in page
    # The page lists all settings; one has the word in its name.
    assert not re.search(r"accuracy|\bpoints\b|confusion|calibration|(?<!munge_)probabilit", page, re.IGNORECASE)


def test_a_temperature_that_changes_nothing_is_refused_before_any_node_runs(tmp_path: Path):
    done = finished(diabetes, tmp_path / "root", "distillation.temperature=4")

    assert done.code == 2
    assert "distillation.temperature changes nothing for label 'progression'" in done.output
    assert done.report == {}


def test_multi_label(tmp_path: Path):
    root = tmp_path / "root"
    done = finished(findings, root, "gate.tolerance=0.2", "drift.skew_threshold=1", "training.epochs=120")

    assert done.code == 0, done.output
    assert "examples have no label" in done.output
    report, table = done.report, predictions(root)
    assert report["measure"] == {"key": "macro_auc", "name": "macro AUC", "unit": "number", "most": 1.0}
    assert re.search(r"of \d+ labelled examples, \d+ lack 'sour'", done.output)
    values, columns = {}, {}
    for name in TRAINED:
        labels, logits = answered(table, name)
        known = (labels != -1).any(axis=1)
        labels, logits = labels[known], logits[known]
        given, right = labels != -1, (logits > 0) == (labels == 1)
        assert not given.all()
        found = report["models"][name]["metrics"]
        values[name] = found["macro_auc"]
        columns[name] = [roc_auc_score(labels[has, at], logits[has, at]) for at, has in enumerate(given.T)]
        assert found["macro_auc"] == pytest.approx(np.mean(columns[name]), abs=1e-12)
        assert found["accuracy"] == pytest.approx(right[given].mean())
        assert found["all_labels_right"] == pytest.approx((right | ~given).all(axis=1).mean())
        lost = [
            log_loss(one[has], sigmoid(own)[has], labels=[0, 1])
            for one, own, has in zip(labels, logits, given, strict=True)
        ]
        assert found["log_loss"] == pytest.approx(np.mean(lost), rel=1e-6)
        assert report["models"][name]["examples"] == known.sum() < len(known)
    assert values[TEACHER] > 0.8
    assert values[STUDENT] > 0.75
    assert_verdicts(report, values)
    for number, one in enumerate(report["findings"]["labels"]):
        assert one["label"] == findings.FINDINGS[number]
        assert one["positives"] == (labels[:, number] == 1).sum()
        assert one["examples"] == given[:, number].sum()
        assert one["auc"] == pytest.approx({name: columns[name][number] for name in TRAINED}, abs=1e-12)
    for name in (TEACHER, STUDENT):
        labels, logits = answered(table, name)
        micro = roc_auc_score(labels[labels != -1], logits[labels != -1])
        assert report["findings"]["roc"][name]["area"] == pytest.approx(micro, abs=1e-9)
    whole, *parts = report["findings"]["slices"]
    assert whole["accuracy"] == pytest.approx({name: values[name] for name in (TEACHER, STUDENT)}, abs=2e-3)
    assert len(parts) == 3
    assert 0.0 not in [one for part in parts for one in part["accuracy"].values()]
    assert not report["findings"]["confusion"]
    assert not report["findings"]["soft_targets"]

    fresh = pd.read_csv(tmp_path / "data" / "wine.csv")
    given = {name: fresh[name].to_numpy(np.float32) for name in findings.MEASUREMENTS}
    answers = served(root, tensor_names(given | {"cultivar": fresh["cultivar"].to_numpy(np.int64)}))
    assert set(answers) == {"logits", "probabilities", "labels"}
    np.testing.assert_allclose(answers["probabilities"], sigmoid(answers["logits"].astype(float)), rtol=1e-5)
    np.testing.assert_array_equal(answers["labels"], answers["probabilities"] > 0.5)
    assert_served_as_judged(answers, table)
    complete = fresh[list(findings.FINDINGS)].notna().all(axis=1)
    truth = fresh[list(findings.FINDINGS)][complete].to_numpy(np.int64)
    assert roc_auc_score(truth, answers["probabilities"][complete]) > 0.8
    page = (root / "report.html").read_text(encoding="utf-8")
    assert "Label by label" in page and "rich in proline" in page
