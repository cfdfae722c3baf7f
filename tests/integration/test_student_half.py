"""The student half in someone's pipeline, whose project has `components` and `trainer` of its own.

Everything is theirs but the nodes of the student half: stock CsvExampleGen, Transform, Trainer, Pusher and runner. What
was computed is computed once more here, by NumPy from their SavedModel and the pushed student.
"""

from __future__ import annotations

import collections
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.components.world import features_of
from tests.integration.installed import Environment, install
from tests.integration.runs import PROJECT
from tests.integration.someones_run import SomeonesRun, answers, content_id, softmax

pytestmark = [pytest.mark.pipeline, pytest.mark.long]

OURS = {"ExampleAdapter", "TeacherAdapter", "TeacherLabeler", "Distiller", "Predictor", "Gate"}
OURS |= {"DistillerHardLabels", "DistillerPseudoLabels", "Reporter", "Visualizer"}
THEIRS = {"CsvExampleGen", "StatisticsGen", "SchemaGen", "Transform", "Trainer", "Pusher"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def run(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> SomeonesRun:
    """A finished run; the project is beside it."""
    from sklearn.datasets import load_wine

    folder = tmp_path_factory.mktemp("someone")
    shutil.copytree(Path(__file__).parent / "someones_project", folder / "project")
    (folder / "run" / "data").mkdir(parents=True)
    wine = load_wine(as_frame=True).frame.rename(columns={"target": "cultivar"})
    wine.to_csv(folder / "run" / "data" / "wine.csv", index=False)
    environment.run("python", "pipeline.py", str(folder / "run"), cwd=folder / "project")
    return SomeonesRun(folder / "run")


@pytest.mark.parametrize(("theirs", "ours"), [("train", "train"), ("eval", "test")])
def test_soft_targets_are_what_their_model_says(run: SomeonesRun, theirs: str, ours: str):
    raw, raw_of = run.records("CsvExampleGen", "examples", theirs), run.raw_of()
    said = answers(run.newest("Trainer", "model") / "Format-Serving", raw, "outputs")
    labelled = map(features_of, run.records("TeacherLabeler", "labelled_examples", ours))

    found = {raw_of[content_id(one["example_id"][0])]: one for one in labelled}
    assert sorted(found) == sorted(raw)
    assert len(raw) > 50
    for example, one in found.items():
        np.testing.assert_allclose(softmax(one["teacher_logits"]), said[example], rtol=0, atol=1e-6)
        assert one["label"] == features_of(example)["cultivar"]


def test_predictions_are_what_the_pushed_student_serves(run: SomeonesRun):
    [pushed] = (run.root / "serving").iterdir()
    raw, raw_of = run.records("CsvExampleGen", "examples", "eval"), run.raw_of()
    served = answers(pushed, raw, "logits")
    rows = [row for row in run.predictions().to_pylist() if row["model"] == "student"]

    assert len(rows) == len(raw)
    for row in rows:
        example = raw_of[content_id(row["example_id"].encode())]
        np.testing.assert_allclose(row["logits"], served[example], rtol=1e-4, atol=1e-4)


def test_the_verdict_is_that_of_the_accuracies(run: SomeonesRun):
    right = collections.defaultdict(list)
    for row in run.predictions().to_pylist():
        right[row["model"]].append(np.argmax(row["logits"]) == row["label"])
    accuracy = {name: float(np.mean(some)) for name, some in right.items()}
    decision = run.decision()

    assert {name: one["accuracy"] for name, one in run.measured()["metrics"].items()} == pytest.approx(accuracy)
    assert set(accuracy) == {"teacher", "student", "student_hard_labels", "student_pseudo_labels"}
    assert accuracy["teacher"] > 0.9
    beside = decision["verdicts"]["against_teacher"]
    assert beside["difference"] == pytest.approx(accuracy["student"] - accuracy["teacher"])
    assert decision["passed"] == (-beside["low"] <= 0.2)
    found = {name: one["difference"]["value"] for name, one in decision["verdicts"]["against"].items()}
    expected = {name: accuracy["student"] - accuracy[name] for name in accuracy if name.startswith("student_")}
    assert found == pytest.approx(expected)


def test_the_page_is_written_for_their_pipeline(run: SomeonesRun):
    page = (run.newest("Visualizer", "report") / "value").read_text(encoding="utf-8")
    decision = run.decision()

    assert ("Passed" if decision["passed"] else "Refused") in page
    for section in ("What was taken for what", "What the soft targets say"):
        assert section in page
    # The examples are shown as their files hold them.
    assert "transformed:" not in page
    assert "teachers." not in page


def test_the_teachers_weights_are_counted_without_its_optimizer(run: SomeonesRun):
    models = run.measured()["models"]

    assert models["teacher"]["parameters"] == 6 * 32 + 32 + 32 * 3 + 3
    assert models["student"]["parameters"] == 6 * 3 + 3
    assert models["teacher"]["latency_ms"]["p50"] > 0


def test_a_second_run_computes_nothing_again(environment: Environment, run: SomeonesRun):
    environment.run("python", "pipeline.py", str(run.root), cwd=run.root.parent / "project")

    states = executions(run.root / "metadata.sqlite")
    assert set(states) == OURS | THEIRS
    # TFX's own Pusher runs each time.
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
