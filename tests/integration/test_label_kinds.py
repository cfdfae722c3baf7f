"""Each kind of label on real data, from a table to the served student. Its figures are computed again by scikit-learn."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.dataset
import pytest
import tensorflow as tf
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, roc_auc_score

from limbeck.models import CONTROLS, HARD_LABELS, MODELS, STUDENT, TEACHER
from tests.integration.kinds import tumours
from tests.integration.runs import Finished, run

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
    for name in MODELS:
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
    assert report["findings"]["soft_targets"]

    fresh = raw.head(40)
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
    assert (answers["label"].astype(str) == fresh["diagnosis"]).mean() > 0.8
    page = (root / "report.html").read_text(encoding="utf-8")
    assert "AUC against size" in page
    assert "gate.tolerance" in page
