"""Reporter as TFX runs it, from the artifacts of a run to `findings.json` and back."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.artifacts import types as artifact_types
from limbeck.components.reporter import slices
from limbeck.components.reporter.executor import Executor
from limbeck.components.teacher_labeler.examples import attach_logits
from limbeck.models import CONTROLS, HARD_LABELS, PSEUDO_LABELS, STUDENT, TEACHER
from limbeck.report import findings
from limbeck.report.findings import CurvePoint, Findings
from tests.components import predictions, rehearsal, shapes
from tests.components.reporter.predictions import probabilities, table
from tests.components.world import PROPERTIES, SIZES, World, by_id, write_split

pytestmark = [pytest.mark.processes, pytest.mark.long]

CURVE = [{"step": 20, "steps": 25, "loss": 1.5}, {"step": 25, "steps": 25, "loss": 0.75}]


@dataclasses.dataclass
class Run:
    """The artifacts of one run, which a test may change before Reporter reads them."""

    world: World
    evaluation: Artifact
    folder: Path
    predictions: pa.Table

    def report(
        self, controls: tuple[str, ...] = CONTROLS, without: tuple[str, ...] = (), **properties: str
    ) -> Findings:
        """Runs Reporter, without some of its inputs."""
        found = rehearsal.artifact(artifact_types.Findings, self.folder / "findings")
        inputs = {
            "predictions": rehearsal.artifact(artifact_types.Predictions, self.folder / "predictions"),
            "labelled_examples": self._labelled(),
            "evaluation": self.evaluation,
            "raw_examples": self.world.raw_examples,
            "transform_graph": self.world.transform_graph,
            **{f"{name}_run": self._model_run(name) for name in (TEACHER, STUDENT, *controls)},
        }
        inputs = {name: one for name, one in inputs.items() if name not in without}
        predictions.write(self.predictions, self.folder / "predictions")
        rehearsal.run(Executor, inputs, {"findings": found}, {**PROPERTIES, **properties}, self.folder)
        return findings.read(found.uri)

    def _labelled(self) -> Artifact:
        made = rehearsal.examples(self.folder / "labelled", list(SIZES))
        for split, examples in self.world.transformed.items():
            pairs = zip(examples, self.world.logits("teacher", split), strict=True)
            write_split(made, split, [attach_logits(*pair) for pair in pairs], "transformed_examples", 2)
        return made

    def _model_run(self, name: str) -> Artifact:
        made = rehearsal.artifact(standard_artifacts.ModelRun, self.folder / f"{name}-run")
        members = [CURVE, CURVE[:1]] if name == TEACHER else [CURVE]
        (Path(made.uri) / "history.json").write_text(json.dumps({"parameters": 5, "members": members}))
        return made


def predictions_of(world: World) -> pa.Table:
    """What the world's models answer; the hard-labels control has NaN in a row, the other is the student again."""
    tables = []
    for split in SIZES:
        parsed = by_id(world.transformed[split])
        labels = [one["label"][0] for one in parsed.values()]
        ids = pa.array([example_id.decode() for example_id in parsed])
        student = world.logits("student", split)[:, 0]
        logits = {
            TEACHER: np.log(probabilities(world.logits("teacher", split)).mean(axis=1)),
            STUDENT: student,
            HARD_LABELS: np.where(
                np.arange(len(student))[:, np.newaxis] == labels.index(max(labels)), math.nan, student
            ),
            PSEUDO_LABELS: student,
        }
        made = [table(labels, some, model, split) for model, some in logits.items()]
        tables += [one.set_column(0, "example_id", ids) for one in made]
    return pa.concat_tables(tables)


@pytest.fixture
def run(world: World, evaluation: Artifact, tmp_path: Path) -> Run:
    return Run(world, evaluation, tmp_path, predictions_of(world))


def test_the_findings_of_a_run(run: Run, world: World):
    found = run.report()

    assert found.classes == shapes.CLASSES
    points = tuple(CurvePoint(point["step"], point["loss"]) for point in CURVE)
    assert found.curves == {TEACHER: (points, points[:1])} | dict.fromkeys([STUDENT, *CONTROLS], (points,))
    assert set(found.confusion) == set(found.reliability) == {TEACHER, STUDENT, PSEUDO_LABELS}
    assert set(found.roc) == {TEACHER, STUDENT}
    kinds = [row["kind"] for row in world.rows["test"]]
    for counts in (one.counts for one in found.confusion.values()):
        assert [sum(row) for row in counts] == [kinds.count(kind) for kind in shapes.CLASSES]
    assert found.slices == slices.read(run.evaluation.uri, "sparse_categorical_accuracy")
    # Two sources of the same figure: TFMA's, from raw examples, and the table of predictions.
    for name in (TEACHER, STUDENT):
        right = sum(found.confusion[name].counts[index][index] for index in range(3))
        assert found.slices[0].accuracy[name] == pytest.approx(right / found.slices[0].examples)
        assert sum(one.examples for one in found.reliability[name].bins) == found.slices[0].examples


def test_soft_targets_are_of_training_examples_that_the_teachers_get_right(run: Run, world: World):
    shown = run.report().soft_targets

    rows = {row["kind"] for row in world.rows["train"]}
    assert None in rows, "there must be an unlabelled example"
    parsed = by_id(world.transformed["train"])
    raw = dict(zip(parsed, world.rows["train"], strict=True))
    seconds = []
    for one in shown:
        features = parsed[one.example_id.encode()]
        mean = probabilities(one.teacher_logits).mean(axis=0)
        assert np.shape(one.teacher_logits) == (2, 3)
        assert shapes.CLASSES[features["label"][0]] == one.label == shapes.CLASSES[np.argmax(mean)]
        row = raw[one.example_id.encode()]
        assert one.raw
        assert set(one.inputs) == {"size", "colour"}
        assert one.inputs["colour"] == row["colour"]
        np.testing.assert_array_equal(np.float32(one.inputs["size"].split(", ")), np.float32(row["size"]))
        seconds.append(np.sort(mean)[1])
    assert len(shown) >= 6
    assert seconds == sorted(seconds, reverse=True)


def test_beside_someones_pipeline_there_are_no_slices_and_the_training_split_has_their_name(run: Run):
    """Of another split no raw example has the ids, and the model's inputs are shown."""
    found = run.report(without=("evaluation",), raw_split="test")

    assert found.slices == ()
    assert found.confusion
    assert found.soft_targets
    for one in found.soft_targets:
        assert not one.raw
        assert "colour_index" in one.inputs


def test_without_controls_there_is_nothing_of_them(run: Run):
    found = run.report(controls=())

    assert set(found.curves) == set(found.confusion) == set(found.reliability) == {TEACHER, STUDENT}


def test_a_test_split_without_labels_leaves_curves_and_soft_targets(run: Run):
    labels = np.where(np.asarray(run.predictions["split"]) == "test", -1, np.asarray(run.predictions["label"]))
    run.predictions = run.predictions.set_column(3, "label", pa.array(labels, pa.int64()))

    found = run.report()

    assert found.confusion == {}
    assert found.reliability == {}
    assert found.roc == {}
    assert set(found.curves) == {TEACHER, STUDENT, *CONTROLS}
    assert found.soft_targets


def test_the_same_artifacts_give_the_same_bytes(run: Run, tmp_path: Path):
    run.report()
    first = (tmp_path / "findings" / findings.FINDINGS_FILE).read_bytes()
    run.predictions = run.predictions.take(np.random.default_rng(0).permutation(len(run.predictions)))
    again = dataclasses.replace(run, folder=tmp_path / "again")

    again.report()

    second = (tmp_path / "again" / "findings" / findings.FINDINGS_FILE).read_bytes()
    assert second == first
    assert len(first) < 20_000
