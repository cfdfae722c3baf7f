"""docs/your-pipeline.md, as a reader runs it: the stock taxi pipeline of the tfx package, and a student of its model.

Its data and its module come from the installed package, at run time. The stock Trainer has no seed, so its model is
another one in each run; what is compared holds for any.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.components.world import features_of
from tests.integration.installed import install
from tests.integration.runs import PROJECT
from tests.integration.someones_run import SomeonesRun, answers, content_id

pytestmark = [pytest.mark.pipeline, pytest.mark.release, pytest.mark.timeout(1800)]

TRIPS = 15_002


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SomeonesRun:
    folder = tmp_path_factory.mktemp("taxi")
    project = folder / "project"
    for package in ("components", "trainer"):
        (project / package).mkdir(parents=True)
        (project / package / "__init__.py").touch()
    for name in ("taxi_student.py", "taxi_pipeline.py"):
        shutil.copy(PROJECT / "docs" / "examples" / name, project)
    environment = install(folder)
    # Twice: the stock resolver looks for the latest blessed model, and must find the stock one.
    for _ in range(2):
        environment.run("python", "taxi_pipeline.py", str(folder / "run"), cwd=project)
    return SomeonesRun(folder / "run")


def test_soft_targets_are_the_probabilities_of_the_stock_model(run: SomeonesRun):
    raw = [one for split in ("train", "eval") for one in run.records("CsvExampleGen", "examples", split)]
    said = answers(run.newest("Trainer", "model") / "Format-Serving", raw, "outputs")
    labelled = [
        features_of(one)
        for split in ("train", "test")
        for one in run.records("TeacherLabeler", "labelled_examples", split)
    ]
    raw_of = run.raw_of()

    assert len(raw) == len(labelled) == TRIPS
    found = 1 / (1 + np.exp(-np.array([one["teacher_logits"][0] for one in labelled])))
    expected = np.array([said[raw_of[content_id(one["example_id"][0])]][0] for one in labelled])
    assert np.std(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_labels_are_those_of_the_stock_preprocessing(run: SomeonesRun):
    def big(raw: bytes) -> int:
        trip = features_of(raw)
        tips, fare = (np.float32(trip[name][0]) for name in ("tips", "fare"))
        return int(tips > fare * np.float32(0.2))

    raw_of = run.raw_of()
    labelled = [features_of(one) for one in run.records("TeacherLabeler", "labelled_examples", "test")]

    assert [one["label"][0] for one in labelled] == [
        big(raw_of[content_id(one["example_id"][0])]) for one in labelled
    ]


def test_the_student_is_judged_by_what_both_say(run: SomeonesRun):
    rows = run.predictions().to_pylist()
    logits, labels = {}, {}
    for name in ("teacher", "student"):
        mine = sorted((row for row in rows if row["model"] == name), key=lambda row: row["example_id"])
        logits[name], labels[name] = np.array([row["logits"] for row in mine]), [row["label"] for row in mine]
    auc = {name: roc_auc_score(labels[name], logits[name][:, 0]) for name in logits}

    assert {name: run.measured()["metrics"][name]["auc"] for name in auc} == pytest.approx(auc, abs=1e-6)
    assert run.decision()["passed"] == (auc["teacher"] - auc["student"] <= 0.01)
    assert auc["teacher"] > 0.85
    assert auc["student"] > auc["teacher"] - 0.03
    models = run.measured()["models"]
    assert models["student"]["parameters"] < models["teacher"]["parameters"] / 10


def test_the_student_is_pushed_exactly_if_it_passed(run: SomeonesRun):
    served = run.root / "serving-student"
    pushed = list(served.iterdir()) if served.exists() else []

    assert bool(pushed) == run.decision()["passed"]
    # The stock pipeline has pushed its own model, as before.
    assert len(list((run.root / "serving").iterdir())) > 0


def test_a_served_student_takes_what_its_task_declares(run: SomeonesRun):
    import tensorflow as tf

    student = run.newest("Distiller", "model") / "Format-Serving"
    trip = {
        "fare": tf.constant([12.0]),
        "trip_miles": tf.constant([2.5]),
        "trip_seconds": tf.constant([600], tf.int64),
        "payment_type": tf.constant(["Cash"]),
        "trip_start_hour": tf.constant([9], tf.int64),
    }

    cash = tf.saved_model.load(str(student)).signatures["serving_tensors"](**trip)["probability"][0]

    # Tips that are paid in cash are not recorded.
    assert cash < 0.1
