"""An objective that no file of ours knows, driven through the product's own parts: a regression by squared error.

What a kind of label decides is asked of its objective in some twenty places. A place that assumes classes shows here:
there are none, labels are floats, scores are not 0 or 1, and higher temperature means nothing.
"""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.utils import config_util
from tfx.components.evaluator.executor import Executor as Evaluator
from tfx.types import channel_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import json_utils, proto_utils

from limbeck.components.artifacts import types as artifact_types
from limbeck.components.evaluator.evaluation import evaluation_config
from limbeck.components.gate.decision import DECISION_FILE, Decision
from limbeck.components.gate.executor import Executor as Gate
from limbeck.components.graph.context import Context, Storage
from limbeck.components.inference.handler import TransformedExamplesHandler
from limbeck.components.predictor import tables
from limbeck.components.predictor.executor import Executor as Predictor
from limbeck.components.properties.code import CodeRef, code_properties
from limbeck.components.properties.sections import Section
from limbeck.components.reporter.executor import Executor as Reporter
from limbeck.components.teacher_labeler import provenance
from limbeck.components.teacher_labeler.examples import attach_logits
from limbeck.components.visualizer.component import visualizer
from limbeck.errors import DataError, TaskError
from limbeck.models import CONTROLS, HARD_LABELS, PSEUDO_LABELS, STUDENT, TEACHER
from limbeck.objectives.measure import Measure
from limbeck.objectives.objective import Objective, TfmaMetrics
from limbeck.objectives.registry import register
from limbeck.records import from_json, to_json
from limbeck.reference import TaskRef
from limbeck.report import findings, html, terminal
from limbeck.report.advice import advice
from limbeck.report.schema import VERSION, GateReport, ModelReport, Outcome, Report
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.gate import GateConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.task import Feature, Label, Task
from limbeck.trainer import training
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.data.packing import pack
from limbeck.trainer.data.preprocessing import preprocess
from limbeck.trainer.distillation.targets import label_key
from limbeck.trainer.job import TrainingJob
from tests.components import predictions, rehearsal
from tests.components.world import write_split
from tests.trained import TRAINED
from tests.trainer import packed, transform

pytestmark = pytest.mark.long

TEACHERS, SPLITS = 2, ("train", "validation", "test")
TRAINING = TrainingConfig(epochs=6, batch_size=8, learning_rate=0.05, seed=3, early_stopping_patience=5)


@register("squared_error")
class SquaredError(Objective):
    """A label that is a number; the model's only output is the number itself."""

    kinds: ClassVar = ("number",)
    label_dtype: ClassVar = "float32"
    unlabelled: ClassVar = math.nan
    measure: ClassVar = Measure("negative_squared_error", "negative squared error", "number")
    loss_key: ClassVar = "squared_error"
    tfma: ClassVar = TfmaMetrics("value", ("MeanSquaredError",), None)
    findings: ClassVar = frozenset()

    @property
    def outputs(self) -> int:
        return 1

    @property
    def output_words(self) -> str:
        return "one number [batch, 1]"

    def encode(self, raw: Mapping[str, Any]) -> Any:
        [values] = raw.values()
        # NaN stands for no label, and these are the values of examples that have one.
        return tf.where(tf.math.is_nan(values), math.inf, values)

    def labelled(self, labels: Any) -> Any:
        return labels == labels  # noqa: PLR0124

    def undeclared(self, labels: Any) -> npt.NDArray[np.bool_]:
        return np.isinf(labels)

    def hard_loss(self, outputs: Any, labels: Any) -> Any:
        known = self.labelled(labels)
        return tf.where(known, tf.square(outputs[:, 0] - tf.where(known, labels, 0.0)), 0.0)

    def soft_loss(self, outputs: Any, teacher_outputs: Any, temperature: float) -> Any:
        return tf.square(outputs[:, 0] - self.pseudo_labels(teacher_outputs))

    def pseudo_labels(self, teacher_outputs: Any) -> Any:
        return tf.stop_gradient(tf.reduce_mean(teacher_outputs, axis=1)[:, 0])

    def score(self, outputs: Any, labels: Any) -> Any:
        return -self.hard_loss(outputs, labels)

    def answers(self, member_outputs: Any) -> dict[str, Any]:
        mean = tf.reduce_mean(member_outputs, axis=1)
        return {"logits": mean, "value": mean[:, 0]}

    def ensemble(self, member_outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return member_outputs[0] if len(member_outputs) == 1 else member_outputs.mean(axis=0)

    def scores(self, outputs: Any, labels: Any) -> Any:
        return -self.losses(outputs, labels)

    def losses(self, outputs: Any, labels: Any) -> Any:
        return np.square(outputs[:, 0] - labels)


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"x": inputs["x"]}


def build(hyperparameters: Mapping[str, Any]) -> Any:
    import tf_keras

    x = tf_keras.Input([3], name="x")
    hidden = tf_keras.layers.Dense(4, activation="tanh")(x)
    return tf_keras.Model({"x": x}, tf_keras.layers.Dense(int(hyperparameters.get("outputs", 1)))(hidden))


TASK = Task(
    name="toy",
    features=(Feature("x", shape=(3,)),),
    label=Label("y", kind="number", visible_to_student="seen", objective="squared_error"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build,
    build_student=build,
)
REF = TaskRef("tests.limbeck.objectives.test_toy")
PROPERTIES = code_properties(CodeRef(REF, "digest"))
SPEC = {
    "x": tf.io.FixedLenFeature([3], tf.float32),
    "y": tf.io.VarLenFeature(tf.float32),
    "seen": tf.io.FixedLenFeature([], tf.int64),
}
RAW = [("x", "float_list"), ("y", "float_list"), ("seen", "int64_list")]


def rows(count: int) -> list[dict[str, Any]]:
    """Raw rows, all different; every fifth has no label, and of a third the student sees none."""
    generator = np.random.default_rng(0)
    xs = generator.normal(size=[count, 3]).astype(np.float32)
    ys = (xs @ [0.5, -1.0, 0.25] + 0.1 * generator.normal(size=count)).astype(np.float32)
    return [
        {"x": x.tolist(), "y": [] if number % 5 == 0 else [float(y)], "seen": int(number % 3 != 0)}
        for number, (x, y) in enumerate(zip(xs, ys, strict=True))
    ]


def raw_example(row: dict[str, Any]) -> bytes:
    example = tf.train.Example()
    for name, kind in RAW:
        getattr(example.features.feature[name], kind).value.extend(np.ravel(row[name]).tolist())
    return example.SerializeToString(deterministic=True)


def mean_output(folder: str, examples: list[bytes]) -> npt.NDArray[np.float64]:
    """What the members of an exported model compute, from their weights alone, and the mean: `[examples]`."""
    weights = tf.saved_model.load(folder).weights
    x = tf.io.parse_example(examples, {"x": SPEC["x"]})["x"].numpy().astype(np.float64)
    members = []
    for member in weights:
        first, first_bias, second, second_bias = (one.numpy().astype(np.float64) for one in member)
        members.append(np.tanh(x @ first + first_bias) @ second + second_bias)
    return np.mean(members, axis=0)[:, 0]


@dataclasses.dataclass(frozen=True)
class Run:
    """All that the nodes of a run leave, up to the Distillers."""

    folder: Path
    rows: dict[str, list[dict[str, Any]]]
    raw: Artifact
    examples: dict[str, list[bytes]]
    labelled: Artifact
    jobs: dict[str, TrainingJob]

    def artifact(self, model: str, kind: type[Artifact]) -> Artifact:
        what = "model" if kind is standard_artifacts.Model else "record"
        return rehearsal.artifact(kind, self.folder / model / what)

    def labels(self, split: str) -> npt.NDArray[np.float64]:
        return tf.io.parse_example(self.examples[split], {"label": tf.io.FixedLenFeature([], tf.float32)})[
            "label"
        ].numpy()

    def expected_score(self, model: str) -> float:
        """The negative mean squared error on the test split, from the model's weights."""
        labels = self.labels("test")
        known = ~np.isnan(labels)
        found = mean_output(self.jobs[model].model_uri, self.examples["test"])
        return float(-np.square(found - labels)[known].mean())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("toy")
    some = rows(90)
    by_split = {"train": some[:50], "validation": some[50:65], "test": some[65:]}
    raw = rehearsal.examples(folder / "raw", list(SPLITS))
    for split, part in by_split.items():
        write_split(raw, split, [raw_example(row) for row in part], "data_tfrecord")
    # One analysis of all rows: what an analyzer may see is no matter of the objective.
    _, transformed = transform.analyze(TASK, SPEC, some, folder)
    seen = {tuple(row["x"]): split for split, part in by_split.items() for row in part}
    examples: dict[str, list[bytes]] = {split: [] for split in SPLITS}
    for example in transformed:
        x = tf.io.parse_single_example(example, {"x": SPEC["x"]})["x"].numpy().tolist()
        examples[seen[tuple(x)]].append(example)

    jobs = {TEACHER: _train(folder, TEACHER, examples, members=TEACHERS)}
    handler = TransformedExamplesHandler(jobs[TEACHER].model_uri)
    model = handler.load_model()
    for split, part in examples.items():
        examples[split] = [attach_logits(*dataclasses.astuple(one)[:2]) for one in scored(handler, model, part)]
    distillation = DistillationConfig(alpha=0.5)
    jobs[STUDENT] = _train(folder, STUDENT, examples, targets="soft_targets", distillation=distillation)
    jobs[HARD_LABELS] = _train(folder, HARD_LABELS, examples, targets="labels")
    jobs[PSEUDO_LABELS] = _train(folder, PSEUDO_LABELS, examples, targets="pseudo_labels")

    labelled = rehearsal.examples(folder / "labelled", list(SPLITS))
    for split, part in examples.items():
        write_split(labelled, split, part, "transformed_examples")
    provenance.sign(labelled, jobs[TEACHER].model_uri)
    return Run(folder, by_split, raw, examples, labelled, jobs)


@dataclasses.dataclass(frozen=True)
class Scored:
    example: bytes
    outputs: npt.NDArray[np.float32]


def scored(handler: Any, model: Any, examples: list[bytes]) -> list[Scored]:
    return [Scored(one.example, one.inference) for one in handler.run_inference(examples, model)]


def _train(folder: Path, name: str, examples: dict[str, list[bytes]], **fields: Any) -> TrainingJob:
    entry = TEACHER if name == TEACHER else STUDENT
    home = folder / name
    record, model = home / "record", home / "model" / "Format-Serving"
    record.mkdir(parents=True)
    packs = {}
    for split in ("train", "validation"):
        packs[split] = home / split
        packs[split].mkdir()
        file = packed.write(home / f"{split}.gz", examples[split])
        pack([file], packs[split], packed.spec_of(examples[split]), label_key(entry), TASK.objective, split=split)
    job = TrainingJob(
        **{
            "entry": entry,
            "task": REF,
            "examples_uri": str(packs["train"]),
            "validation_uri": str(packs["validation"]),
            "transform_graph_uri": str(folder / "graph"),
            "model_uri": str(model),
            "record_uri": str(record),
            "targets": "labels",
            "strategy": StrategyConfig(name="one_device"),
            "training": TRAINING,
        }
        | fields
    )
    training.run(job)
    return job


def test_a_label_becomes_a_number_that_is_missing_where_there_is_none():
    inputs = {
        "x": tf.zeros([4, 3]),
        "y": tf.sparse.from_dense(tf.constant([[1], [2], [0], [4]], tf.int64)),
        "seen": tf.constant([1, 0, 1, 1], tf.int64),
    }

    outputs = preprocess(TASK, inputs)

    assert outputs["label"].dtype == outputs["student_label"].dtype == tf.float32
    np.testing.assert_array_equal(outputs["label"], [1.0, 2.0, math.nan, 4.0])
    np.testing.assert_array_equal(outputs["student_label"], [1.0, math.nan, math.nan, 4.0])


def test_packed_examples_know_which_have_a_label(run: Run):
    found = PackedExamples(Path(run.jobs[TEACHER].examples_uri))

    assert found.labelled(np.arange(50)).sum() == sum(bool(row["y"]) for row in run.rows["train"]) == 40


def test_a_label_that_is_not_declared_is_the_users_error(run: Run, tmp_path: Path):
    example = tf.train.Example.FromString(run.examples["train"][0])
    example.features.feature["label"].float_list.value[:] = [math.inf]
    serialized = [example.SerializeToString()]
    file = packed.write(tmp_path / "examples.gz", serialized)

    with pytest.raises(DataError, match="1 of 1 training examples have a label that the task does not declare"):
        pack([file], tmp_path, packed.spec_of(serialized), "label", TASK.objective)


def test_a_model_with_other_outputs_is_refused_in_the_objectives_words(run: Run):
    job = dataclasses.replace(run.jobs[TEACHER], hyperparameters={"outputs": 2})

    with pytest.raises(TaskError, match=r"must end in one number \[batch, 1\], but ends in \(None, 2\)"):
        training.run(job)


def test_a_training_descends_and_its_figures_are_those_of_the_exported_model(run: Run):
    for name, job in run.jobs.items():
        for curve in json.loads((Path(job.record_uri) / "history.json").read_text())["members"]:
            losses = [point["validation"]["loss"] for point in curve if point["validation"]]
            assert losses[-1] < losses[0]
        if job.members > 1:
            continue
        labels = run.labels("validation")
        if name != TEACHER:
            spec = {"student_label": tf.io.FixedLenFeature([], tf.float32)}
            labels = tf.io.parse_example(run.examples["validation"], spec)["student_label"].numpy()
        known = ~np.isnan(labels)
        expected = np.square(mean_output(job.model_uri, run.examples["validation"]) - labels)[known].mean()
        last = curve[-1]["validation"]
        assert last["examples"] == known.sum()
        assert last["loss"] == pytest.approx(expected, rel=1e-5)
        assert last["metrics"] == {
            "squared_error": last["loss"],
            "negative_squared_error": pytest.approx(-last["loss"], rel=1e-6),
        }


def test_the_served_model_answers_raw_examples_with_the_mean_of_its_members(run: Run):
    served = tf.saved_model.load(run.jobs[TEACHER].model_uri)

    answer = served.signatures["serving_default"](tf.constant([raw_example(row) for row in run.rows["test"]]))

    assert {name: one.shape.as_list() for name, one in answer.items()} == {"logits": [25, 1], "value": [25]}
    x = np.array([row["x"] for row in run.rows["test"]], np.float32)
    by_tensors = served.signatures["serving_tensors"](x=tf.constant(x))
    np.testing.assert_allclose(answer["value"], by_tensors["value"], rtol=1e-6)
    transformed = {
        tuple(one["x"].numpy().tolist()): value
        for one, value in zip(
            [tf.io.parse_single_example(example, {"x": SPEC["x"]}) for example in run.examples["test"]],
            mean_output(run.jobs[TEACHER].model_uri, run.examples["test"]),
            strict=True,
        )
    }
    np.testing.assert_allclose(answer["value"], [transformed[tuple(row)] for row in x.tolist()], rtol=1e-5)


@pytest.fixture(scope="module")
def judged(run: Run) -> tuple[Artifact, Artifact]:
    """What Predictor writes."""
    predictions = rehearsal.artifact(artifact_types.Predictions, run.folder / "predictions")
    measurements = rehearsal.artifact(artifact_types.Measurements, run.folder / "measurements")
    inputs = {"raw_examples": run.raw, "labelled_examples": run.labelled}
    for name in TRAINED:
        inputs |= {name: run.artifact(name, standard_artifacts.Model)}
        inputs |= {f"{name}_run": run.artifact(name, standard_artifacts.ModelRun)}
    outputs = {"predictions": predictions, "measurements": measurements}
    rehearsal.run(Predictor, inputs, outputs, PROPERTIES, run.folder / "predictor")
    return predictions, measurements


def decide(run: Run, judged: tuple[Artifact, Artifact], folder: Path, limits: GateConfig) -> Decision:
    blessing = rehearsal.artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    inputs = dict(zip(("predictions", "measurements"), judged, strict=True))
    inputs |= {"model": run.artifact(STUDENT, standard_artifacts.Model)}
    properties = PROPERTIES | Section(GateConfig).encode(limits)
    rehearsal.run(Gate, inputs, {"blessing": blessing}, properties, folder)
    return from_json(Decision, (folder / "blessing" / DECISION_FILE).read_text(encoding="utf-8"))


@pytest.mark.processes
def test_metrics_of_all_models_are_those_of_their_weights(run: Run, judged: tuple[Artifact, Artifact]):
    measured = tables.read_measured(judged[1].uri)

    assert measured.measure == SquaredError.measure
    assert set(measured.metrics) == set(TRAINED)
    for name, metrics in measured.metrics.items():
        expected = run.expected_score(name)
        assert metrics["negative_squared_error"] == pytest.approx(expected, rel=1e-5)
        assert metrics["squared_error"] == pytest.approx(-expected, rel=1e-5)


@pytest.mark.processes
def test_the_gate_compares_the_objectives_scores(run: Run, judged: tuple[Artifact, Artifact], tmp_path: Path):
    # In the unit of the measure, which is no fraction.
    passed = decide(run, judged, tmp_path / "passed", GateConfig(tolerance=40.0))

    assert passed.passed
    assert set(passed.verdicts.against) == set(CONTROLS)
    for name, comparison in passed.verdicts.against.items():
        difference = comparison.difference
        expected = run.expected_score(STUDENT) - run.expected_score(name)
        assert difference.value == pytest.approx(expected, abs=1e-6)
        assert difference.low is not None and difference.high is not None
        assert difference.low < expected < difference.high


@pytest.mark.processes
def test_the_gate_refuses_in_the_objectives_words(run: Run, judged: tuple[Artifact, Artifact], tmp_path: Path):
    table = tables.read_test_split(judged[0].uri)
    # A student that is worse by a known amount: a copy of the table in which it answers a number too high by 1.
    shifted = [row | {"logits": [row["logits"][0] + (row["model"] == STUDENT)]} for row in table.to_pylist()]
    folder = tmp_path / "predictions"
    artifact = rehearsal.artifact(artifact_types.Predictions, folder)
    worse = pa.Table.from_pylist(shifted, schema=tables.schema(TASK.objective))
    predictions.write(worse, folder)
    student, teacher = (tables.quality(worse, name, "test", TASK.objective).score for name in (STUDENT, TEACHER))

    decision = decide(run, (artifact, judged[1]), tmp_path / "gate", GateConfig(tolerance=0.25, require_gain=True))

    tolerance, gain = decision.reasons
    assert tolerance == (
        f"the student's negative squared error {student:.6g} is {teacher - student:.6g} below the teacher's "
        f"{teacher:.6g}; gate.tolerance allows 0.25 in negative squared error"
    )
    assert gain.startswith("the student's negative squared error is -")
    assert "points" not in "".join(decision.reasons)


@pytest.fixture(scope="module")
def evaluation(run: Run) -> Artifact:
    """What the Evaluator writes."""
    folder = run.folder / "evaluator"
    evaluation = rehearsal.artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
    blessing = rehearsal.artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    properties = {
        "eval_config": proto_utils.proto_to_json(evaluation_config(TASK)),
        "example_splits": json_utils.dumps(["test"]),
        "fairness_indicator_thresholds": "null",
        "module_path": "limbeck.components.evaluator.evaluation",
    }
    inputs = {"examples": run.raw} | {
        key: run.artifact(name, standard_artifacts.Model)
        for key, name in (("model", STUDENT), ("baseline_model", TEACHER))
    }
    rehearsal.run(Evaluator, inputs, {"evaluation": evaluation, "blessing": blessing}, properties, folder)
    return evaluation


@pytest.mark.processes
def test_tfma_finds_the_same_error(run: Run, evaluation: Artifact):
    config_util.verify_eval_config(evaluation_config(TASK))
    for name, key in ((STUDENT, tfma.CANDIDATE_KEY), (TEACHER, tfma.BASELINE_KEY)):
        [found] = tfma.load_eval_result(evaluation.uri, model_name=key).get_metrics_for_all_slices().values()
        assert found["example_count"]["doubleValue"] == sum(bool(row["y"]) for row in run.rows["test"])
        assert -found["mean_squared_error"]["doubleValue"] == pytest.approx(run.expected_score(name), rel=1e-4)


@pytest.mark.processes
def test_the_report_says_what_makes_sense_and_nothing_of_classes(
    run: Run, judged: tuple[Artifact, Artifact], evaluation: Artifact, tmp_path: Path
):
    found = rehearsal.artifact(artifact_types.Findings, tmp_path / "findings")
    inputs = {"predictions": judged[0], "labelled_examples": run.labelled, "evaluation": evaluation}
    inputs |= {f"{name}_run": run.artifact(name, standard_artifacts.ModelRun) for name in TRAINED}
    rehearsal.run(Reporter, inputs, {"findings": found}, PROPERTIES, tmp_path)
    told = findings.read(found.uri)
    assert told.classes == ()
    assert {name: len(curves) for name, curves in told.curves.items()} == {
        name: TEACHERS if name == TEACHER else 1 for name in TRAINED
    }
    assert not (told.confusion or told.reliability or told.roc or told.slices or told.soft_targets)

    measured = tables.read_measured(judged[1].uri)
    decision = decide(run, judged, tmp_path / "gate", GateConfig(tolerance=1.0))
    report = Report(
        VERSION,
        Outcome.PUSHED,
        "toy",
        Config(),
        models={
            name: ModelReport(
                measured.metrics[name], facts.parameters, facts.bytes, 1.0, 2.0, measured.examples[name]
            )
            for name, facts in measured.models.items()
        },
        gap_recovered=decision.verdicts.gap_recovered,
        distillation_helped=decision.verdicts.distillation_helped,
        against=decision.verdicts.against,
        gate=GateReport(True, ()),
        findings=told,
        measure=measured.measure,
        wording=measured.wording,
    )
    assert from_json(Report, to_json(report)) == report
    page = re.sub(r"<[^>]*>", " ", html.render(report))
    assert "Negative squared error against size" in page
    assert not re.search(r"accuracy|\bpoints\b|confusion|calibration", page, re.IGNORECASE)
    assert "points" not in "".join(terminal.distillation(report))
    assert "the teachers’ answers" in page
    assert not re.search(r"temperature|probab|class", " ".join(advice(report)))


def test_a_ui_is_given_metrics_and_no_matrix_or_curve(tmp_path: Path):
    context = Context.of(Config(), TaskRef(__name__), Storage(*map(str, [tmp_path] * 4)))
    kinds = {"findings": artifact_types.Findings, "measurements": artifact_types.Measurements}
    kinds |= {"blessing": standard_artifacts.ModelBlessing}
    given: Any = SimpleNamespace(outputs={key: channel_utils.as_channel([kind()]) for key, kind in kinds.items()})

    drawn = visualizer(context, given, given, given, dict.fromkeys(TRAINED, given))

    assert set(drawn.outputs) == {"report", "verdict", *(f"{name}_metrics" for name in TRAINED)}
