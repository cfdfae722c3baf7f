"""The taxi task from the tfx package's CSV file to the served student; scikit-learn computes its figures again."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from limbeck.models import STUDENT, TEACHER
from limbeck.tasks.taxi import data
from limbeck.tasks.taxi.preprocessing import TRIP
from tests.integration.runs import run
from tests.trained import TRAINED

pytestmark = [pytest.mark.pipeline, pytest.mark.processes]


@pytest.mark.release
def test_the_taxi_task(tmp_path: Path):
    root = tmp_path / "root"
    done = run("taxi", root)

    assert done.code == 0, done.output
    report, judged = done.report, predictions(root)
    assert report["measure"]["key"] == "auc"
    areas = {}
    for name in TRAINED:
        labels, logits = judged[name]
        areas[name] = roc_auc_score(labels, logits)
        assert report["models"][name]["metrics"]["auc"] == pytest.approx(areas[name], abs=1e-12)
    # Who pays by card says more than half of it.
    assert areas[TEACHER] > 0.94
    assert areas[TEACHER] - areas[STUDENT] < 0.01
    student, teacher = (report["models"][name]["parameters"] for name in (STUDENT, TEACHER))
    assert teacher > 30 * student

    [written] = (root / "data").glob("taxi-*/test/trips.csv")
    rows = read(written)
    assert len(rows) == len(judged[STUDENT][0])
    assert sum(row[data.LABEL] == "1" for row in rows) == judged[STUDENT][0].sum()
    answers = served(root, rows)
    truth = np.array([int(row[data.LABEL]) for row in rows])
    assert roc_auc_score(truth, answers) == pytest.approx(areas[STUDENT], abs=1e-6)

    card = np.array([row["payment_type"] == "Credit Card" for row in rows])
    slices = {
        (name, value): one for one in report["findings"]["slices"] for name, value in one["features"].items()
    }
    within = slices["payment_type", "Credit Card"]
    assert within["accuracy"][STUDENT] == pytest.approx(roc_auc_score(truth[card], answers[card]), abs=5e-3)
    assert 0.6 < within["accuracy"][STUDENT] < 0.75
    # Hours of the day are slices, too, but those with few trips are not shown.
    assert {name for name, _ in slices} == {"payment_type", "trip_start_hour"}

    # A company, a place and a way of payment that no training trip has, and no places at all.
    strange = {**rows[0], "company": "A new one", "pickup_community_area": "99", "payment_type": "Barter"}
    strange |= {name: "" for name in TRIP.numbers if name.startswith("dropoff")}
    assert np.isfinite(served(root, [strange])).all()


@pytest.mark.long
def test_a_value_against_the_task_s_schema_ends_the_run_before_training(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    data.write(folder)
    file = folder / "test" / "trips.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(",Cash,", ",Barter,", 1), encoding="utf-8")

    done = run("taxi", tmp_path / "root", f"data.path={folder}")

    assert done.code == 2, done.output
    error = done.report["error"]
    assert "split 'test', feature 'payment_type': Unexpected string values" in error
    assert "Barter" in error
    assert "schema.pbtxt" in error
    assert "TeacherTrainer" not in done.computed
    assert not (tmp_path / "root" / "accepted").exists()


def predictions(root: Path) -> dict[str, Any]:
    """Labels and logits of the test split, by model."""
    [folder] = (root / "pipeline" / "Predictor" / "predictions").iterdir()
    table = pyarrow.dataset.dataset([str(path) for path in folder.glob("test-*.parquet")]).to_table().to_pandas()
    return {
        name: (rows["label"].to_numpy(), np.array([one[0] for one in rows["logits"]]))
        for name, rows in table.groupby("model")
    }


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def served(root: Path, rows: list[dict[str, str]]) -> Any:
    """The pushed model's probabilities for raw rows, sent as tf.Examples that leave gaps out."""
    model = tf.saved_model.load(str(root / "serving" / "1"))
    kinds = {feature.name: feature.kind for feature in TRIP.features}
    examples = []
    for row in rows:
        example = tf.train.Example()
        for name, kind in kinds.items():
            value, feature = row[name], example.features.feature[name]
            if not value:
                continue
            if kind == "number":
                feature.float_list.value.append(float(value))
            elif kind == "integer":
                feature.int64_list.value.append(int(value))
            else:
                feature.bytes_list.value.append(value.encode())
        examples.append(example.SerializeToString())
    return model.signatures["serving_default"](tf.constant(examples))["probability"].numpy().ravel()
