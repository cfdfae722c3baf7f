"""Function components small enough to run in a moment. (TFX reads the annotations: they must not be texts.)"""

from pathlib import Path

import pyarrow as pa
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.experimental.conditionals import conditional
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Channel
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelRun, Schema

from limbeck.components.artifacts.types import Findings, Measurements, Predictions
from limbeck.components.gate.decision import DECISION_FILE, Decision
from limbeck.components.predictor import tables
from limbeck.errors import DataError
from limbeck.models import HARD_LABELS, STUDENT, TEACHER
from limbeck.moved import LEDGER, Moved
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from limbeck.report import findings as findings_file
from limbeck.report.verdicts import Comparison, Helped, Interval, TestSplit, Verdicts
from limbeck.trainer.serving.latency import Latency
from tests.classes import classes
from tests.components.predictions import write as write_predictions

VERDICTS = Verdicts(
    Interval(0.75, 0.5, None), Helped(True, 0.03), {HARD_LABELS: Comparison(Interval(0.25, 0.1, 0.4), 0.03)}
)
TEST_SPLIT = TestSplit("0123456789abcdef", 1)
FINDINGS = findings_file.Findings(classes=("no", "yes"))


@component
def produce(text: Parameter[str], words: OutputArtifact[Examples]):
    """Writes a text, by the hands of two workers."""
    LEDGER.add([Moved("node-4:7", 0, 9), Moved("node-3:81", 5, 0), Moved("node-4:7", 5, 0)])
    (Path(words.uri) / "words").write_text(text, encoding="utf-8")


@component
def count(words: InputArtifact[Examples], number: OutputArtifact[Model]):
    """Counts the words of a text."""
    text = (Path(words.uri) / "words").read_text(encoding="utf-8")
    (Path(number.uri) / "number").write_text(str(len(text.split())), encoding="utf-8")
    number.set_string_custom_property("pushed_destination", str(number.uri))


@component
def refuse(words: InputArtifact[Examples], number: OutputArtifact[Model]):
    """Fails by a mistake of the user, with something half done."""
    (Path(number.uri) / "half").touch()
    raise DataError(f"nothing can be made of {words.uri}")


@component
def describe(schema: InputArtifact[Schema], number: OutputArtifact[Model]):
    """Needs what nobody gives."""
    (Path(number.uri) / schema.uri).touch()


@component
def predict(
    label: Parameter[int], predictions: OutputArtifact[Predictions], measurements: OutputArtifact[Measurements]
):
    """What Predictor leaves, for one test example with this label: the student answers 1, the teacher 0."""
    answers = {TEACHER: [2.0, 0.0], STUDENT: [0.0, 2.0]}
    rows = [
        {"example_id": "1", "split": "test", "model": model, "label": label, "logits": logits}
        for model, logits in answers.items()
    ]
    write_predictions(pa.Table.from_pylist(rows, tables.schema(classes())), predictions.uri)
    facts, table = tables.ModelFacts(7, 800, Latency(0.5, 0.75)), tables.read_test_split(predictions.uri)
    found = {name: tables.quality(table, name, "test", classes()) for name in answers}
    metrics = {name: one.metrics(classes()) for name, one in found.items()}
    examples = {name: one.examples for name, one in found.items()}
    measured = to_json(tables.Measured(dict.fromkeys(answers, facts), classes().measure, metrics, examples))
    (Path(measurements.uri) / tables.MEASUREMENTS_FILE).write_text(measured, encoding="utf-8")


@component
def judge(
    reason: Parameter[str], predictions: InputArtifact[Predictions], blessing: OutputArtifact[ModelBlessing]
):
    """What Gate leaves; an empty reason lets the student pass."""
    assert Path(predictions.uri).is_dir()
    decision = Decision(not reason, (reason,) if reason else (), VERDICTS, TEST_SPLIT)
    (Path(blessing.uri) / DECISION_FILE).write_text(to_json(decision), encoding="utf-8")


@component
def distil(steps: Parameter[int], model_run: OutputArtifact[ModelRun]):
    """What a training of one process leaves."""
    record = RankRecord(role="chief", rank=0, steps=steps, examples=64 * steps, seconds=1.5)
    (Path(model_run.uri) / "rank-0.json").write_text(to_json(record), encoding="utf-8")


@component
def find_out(predictions: InputArtifact[Predictions], findings: OutputArtifact[Findings]):
    """What Reporter leaves."""
    assert Path(predictions.uri).is_dir()
    findings_file.write(FINDINGS, findings.uri)


@component
def push(words: InputArtifact[Examples], pushed_model: OutputArtifact[Model]):
    """What Pusher leaves."""
    assert Path(words.uri).is_dir()
    pushed_model.set_string_custom_property("pushed_destination", str(pushed_model.uri))


def pipeline(root: Path, *nodes: object) -> Pipeline:
    """These nodes as a pipeline with a cache and a store of its own below `root`."""
    return Pipeline(
        pipeline_name="tiny",
        pipeline_root=str(root / "pipeline"),
        components=list(nodes),
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(root / "metadata.sqlite")),
    )


def counting(root: Path, text: str = "one two three") -> Pipeline:
    """Two nodes that succeed."""
    produced = produce(text=text)
    return pipeline(root, produced, count(words=produced.outputs["words"]))


def refusing(root: Path) -> Pipeline:
    """The first of three nodes succeeds, the second fails."""
    produced = produce(text="x")
    refused = refuse(words=produced.outputs["words"])
    after = count(words=produced.outputs["words"])
    after.add_upstream_node(refused)
    return pipeline(root, produced, refused, after)


def unresolved(root: Path) -> Pipeline:
    """A node that asks for the latest artifact of a type that there is none of, and one that needs it."""
    latest = Resolver(strategy_class=LatestArtifactStrategy, schema=Channel(type=Schema)).with_id("latest")
    return pipeline(root, latest, describe(schema=latest.outputs["schema"]))


def skipped(root: Path) -> Pipeline:
    """A node behind a condition that does not hold."""
    produced = produce(text="x")
    with conditional.Cond(produced.outputs["words"].future()[0].uri == "elsewhere"):
        counted = count(words=produced.outputs["words"])
    return pipeline(root, produced, counted)


def judging(root: Path, reason: str, label: int) -> Pipeline:
    """Nodes that bear the names the report looks for, and leave what those leave."""
    predicted = predict(label=label).with_id("Predictor")
    judged = judge(reason=reason, predictions=predicted.outputs["predictions"]).with_id("Gate")
    found = find_out(predictions=predicted.outputs["predictions"]).with_id("Reporter")
    produced = produce(text="student").with_id("ExampleGen")
    distilled = distil(steps=30).with_id("Distiller")
    control = distil(steps=31).with_id("DistillerHardLabels")
    for one in (produced, distilled, control):
        predicted.add_upstream_node(one)
    pushed = push(words=produced.outputs["words"]).with_id("Pusher")
    pushed.add_upstream_node(judged)
    return pipeline(root, predicted, found, judged, produced, distilled, control, pushed)
