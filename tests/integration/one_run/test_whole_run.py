"""From raw digits to a served student, and what a second run does again."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from limbeck.cli.local_run import evaluation_files
from limbeck.components.predictor import tables
from limbeck.examples import SPLITS
from tests.cli import program
from tests.cli.stored import last_run
from tests.integration.forks import Program
from tests.integration.one_run import served
from tests.integration.one_run.base import Base
from tests.integration.runs import NEVER_CACHED, PROJECT, TIMEOUT_SECONDS, edit, rerun, run, server, weights

pytestmark = pytest.mark.pipeline

NODES = [
    *("ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "AnomalyStop", "Transform"),
    *("DistillerHardLabels", "TeacherTrainer", "TeacherLabeler", "Distiller", "DistillerPseudoLabels"),
    *("Evaluator", "Predictor", "Gate", "Reporter", "Pusher", "Visualizer"),
]
FROM_PREDICTOR = {"Predictor", "Gate", "Reporter", "Pusher", "Visualizer"}
FROM_DISTILLER = FROM_PREDICTOR | {"Distiller", "Evaluator"}
FROM_STUDENT = FROM_DISTILLER | {"DistillerHardLabels", "DistillerPseudoLabels"}
MODELS = ("teacher", "student", "student_hard_labels", "student_pseudo_labels")
TRAINING_EXAMPLES = 1297


def test_the_first_run_computes_every_node_and_pushes(base: Base) -> None:
    report = base.finished.report
    assert base.finished.code == 0, base.finished.output
    assert [stage["name"] for stage in report["stages"]] == NODES
    assert base.finished.computed == set(NODES)
    assert report["outcome"] == "pushed"
    assert report["gate"] == {"passed": True, "reasons": []}
    assert report["serving"] == str(base.root / "serving" / "1")


def test_the_pages_beside_the_report_show_what_the_run_wrote(base: Base) -> None:
    """TFMA itself reads the same figures. The command that the terminal tells finds the training curves."""
    page = (base.root / "report.html").read_text(encoding="utf-8")
    for file in ("statistics.html", "slices.html"):
        assert f'href="{file}"' in page
    assert "1,297\u00a0rows" in (base.root / "statistics.html").read_text(encoding="utf-8")
    assert f"tensorboard --logdir {base.root / 'pipeline'}" in base.finished.output.replace("\n", "")

    import tensorflow_model_analysis as tfma

    [evaluation] = (base.root / "pipeline" / "Evaluator" / "evaluation").iterdir()
    wanted = tfma.load_eval_result(str(evaluation), model_name="candidate").get_metrics_for_all_slices()
    found = {one.features: one for one in evaluation_files.read(evaluation)}
    assert len(found) == len(wanted) == 11
    for key, metrics in wanted.items():
        one = found[tuple((name, str(value)) for name, value in key)]
        assert one.examples == metrics["example_count"]["doubleValue"]
        values = {name: metric["doubleValue"] for name, metric in metrics.items() if "example_count" not in name}
        assert one.student == {name: value for name, value in values.items() if not name.endswith("_diff")}
        for name, value in one.student.items():
            assert value - one.teacher[name] == pytest.approx(values[f"{name}_diff"], abs=1e-6)


def test_every_process_of_a_training_did_its_share(base: Base) -> None:
    """Two processes take the same steps, and between them compute each example once an epoch."""
    for entry, passes in (("teacher", 2 * 2), *((model, 3) for model in MODELS[1:])):
        records = base.finished.report["training"][entry]
        assert [(record["role"], record["rank"]) for record in records] == [("chief", 0), ("worker", 1)]
        assert sum(record["examples"] for record in records) == passes * TRAINING_EXAMPLES
        assert records[0]["steps"] == records[1]["steps"]


def test_the_report_agrees_with_the_served_model(base: Base, tmp_path: Path) -> None:
    """Accuracy and weights are found again from outside: the model asked in a process without our packages."""
    report = base.finished.report
    [records] = (base.root / "data").glob("*/test/digits.tfrecord")
    answer = tmp_path / "answer.json"
    # With TF_USE_LEGACY_KERAS, TensorFlow itself would look for tf_keras.
    environment = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    command = [sys.executable, served.__file__, report["serving"], str(records), str(answer)]
    subprocess.run(command, check=True, cwd=tmp_path, env=environment)
    said = json.loads(answer.read_text(encoding="utf-8"))
    by_examples, digits = said["examples"], np.array(said["digit"])
    for name, values in by_examples.items():
        np.testing.assert_allclose(said["tensors"][name], values, atol=1e-6)
    logits = np.array(by_examples["logits"], np.float64)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(by_examples["probabilities"], probabilities, atol=1e-6)
    np.testing.assert_array_equal(by_examples["class"], logits.argmax(axis=1))
    student = report["models"]["student"]
    assert np.mean(logits.argmax(axis=1) == digits) == pytest.approx(student["metrics"]["accuracy"])
    assert student["bytes"] == sum(p.stat().st_size for p in Path(report["serving"]).rglob("*") if p.is_file())
    assert 0 < student["latency_ms_p50"] <= student["latency_ms_p99"]


def test_every_example_is_scored_once_by_every_model(base: Base) -> None:
    [folder] = (base.root / "pipeline" / "Predictor" / "predictions").iterdir()
    table = pa.concat_tables([tables.read(str(folder), split) for split in SPLITS]).to_pandas()
    assert len(table) == 4 * 1797
    assert (table.groupby("example_id").size() == 4).all()
    assert table.groupby(["split", "model"]).size().to_dict() == {
        (split, model): size
        for split, size in (("train", 1297), ("validation", 250), ("test", 250))
        for model in MODELS
    }


def test_an_identical_run_computes_nothing_nor_does_one_under_the_stock_local_runner(
    base: Base, tmp_path: Path
) -> None:
    """The first brings back what is served; the second shares its cache."""
    shutil.rmtree(base.root / "serving")
    again = base.again()
    assert again.code == 0, again.output
    assert again.computed == NEVER_CACHED
    assert again.report["serving"] == str(base.root / "serving" / "1")
    assert (base.root / "serving" / "1" / "saved_model.pb").is_file()
    assert again.report["models"] == base.finished.report["models"]

    began, output = time.time(), tmp_path / "output.txt"
    stock = Program("tests.integration.one_run.stock_runner", [str(base.root)], str(PROJECT), str(output))
    assert server().run(stock, TIMEOUT_SECONDS) == 0, output.read_text(encoding="utf-8")
    executions = last_run(base.root / "metadata.sqlite", since=began)
    assert [(one.node, one.state) for one in executions] == [(node, "CACHED") for node in NODES]


def test_a_setting_that_only_the_task_can_judge_leaves_the_report_of_the_last_run(base: Base) -> None:
    """A page about the mistake took the place of a finished run's, and `rerun` was refused for it, too."""
    before = {name: (base.root / name).read_bytes() for name in ("report.json", "report.html", "request.json")}
    refused = base.again("gate.tolerance=1.5")
    assert refused.code == 2
    assert "error: gate.tolerance is a difference of accuracy, a fraction" in refused.output
    assert f"log: {base.root / 'logs' / 'run.log'}" in refused.output
    assert {name: (base.root / name).read_bytes() for name in before} == before


def test_a_node_that_is_asked_for_runs_again_with_all_that_follow_it(base: Base) -> None:
    """And nothing else; its own lines of the log can be read."""
    again = rerun("Gate", base.root)
    assert again.code == 0, again.output
    assert again.computed == NEVER_CACHED | {"Gate", "Pusher", "Visualizer"}
    assert again.report["models"] == base.finished.report["models"]

    told = program.run("logs", "Gate", "--root", base.root)
    assert (told.returncode, told.stderr.split(":")[0]) == (0, "Gate")
    assert "=== node" not in told.stdout
    assert "=== node Gate ===\n" in (base.root / "logs" / "run.log").read_text(encoding="utf-8")


REFUSALS = {
    "gate.tolerance=0.0": (r"the student's accuracy .* gate.tolerance allows 0 points", "--set training.epochs"),
    "gate.max_bytes=1000": (r"gate.max_bytes allows 1,000", "--set gate.max_bytes"),
    "gate.max_latency_ms=0.001": (r"gate.max_latency_ms allows 0.001 ms", "--set student.hyperparameters"),
}


def test_another_temperature_trains_the_student_alone_and_what_the_gate_refuses_is_not_pushed(base: Base) -> None:
    """Neither teachers nor controls; a default that is spelt out, here strategy.workers, once trained them again."""
    before = sorted((base.root / "serving").rglob("*"))
    again = base.again("distillation.temperature=3.5", "distillation.alpha=0.9", "strategy.workers=2", *REFUSALS)
    assert again.code == 3, again.output
    assert again.computed == NEVER_CACHED | FROM_DISTILLER
    assert again.report["outcome"] == "refused"
    assert again.report["serving"] is None
    assert sorted((base.root / "serving").rglob("*")) == before
    page = html.unescape((base.root / "report.html").read_text(encoding="utf-8"))
    for told, (reason, advice) in zip(again.report["gate"]["reasons"], REFUSALS.values(), strict=True):
        assert re.search(reason, told)
        assert advice in again.output
        assert advice in page


@pytest.mark.long
def test_without_controls_nothing_is_claimed_about_distillation(base: Base) -> None:
    again = base.again("controls=false")
    assert again.code == 0, again.output
    assert again.computed == NEVER_CACHED | FROM_PREDICTOR
    assert set(again.report["models"]) == {"teacher", "student"}
    assert again.report["gap_recovered"] is None
    assert again.report["distillation_helped"] is None
    assert again.report["against"] == {}


@pytest.mark.long
def test_a_student_trained_with_alpha_0_is_its_control_on_hard_labels_and_refused_where_a_gain_is_required(
    base: Base,
) -> None:
    """With alpha = 0 the student is trained on labels alone, as its control is: the same model, to the bit.

    The control's examples have neither soft targets nor the occurrence numbers that TeacherLabeler adds to ids.
    """
    before = sorted((base.root / "serving").rglob("*"))
    again = base.again("gate.require_gain=true", "distillation.alpha=0.0")
    assert again.code == 3, again.output
    student, control = weights(base.root, "Distiller"), weights(base.root, "DistillerHardLabels")
    assert len(student) == len(control) > 0
    for one, other in zip(student, control, strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.report["against"]["student_hard_labels"]["p_value"] == 1.0
    assert again.report["distillation_helped"] == {"verdict": False, "p_value": 1.0}
    [reason] = again.report["gate"]["reasons"]
    assert "+0.00 points from that of the same student on hard labels (p = 1)" in reason
    assert "--set distillation.alpha" in again.output
    assert sorted((base.root / "serving").rglob("*")) == before


@pytest.mark.long
def test_a_student_whose_logits_are_no_numbers_is_refused(base: Base) -> None:
    """Training goes well; what is served answers NaN, which np.argmax would take for the largest logit."""
    sound = 'return tf_keras.Model({"image": image}, tf_keras.layers.Dense(CLASSES, name="logits")(hidden))'
    broken = (
        "hidden = tf_keras.layers.Lambda(lambda x, training=None: x if training else x / 0.0 * 0.0)(hidden)\n    "
        + sound
    )
    models = base.task / "models.py"
    teacher, student = models.read_text(encoding="utf-8").split("def build_student")
    models.write_text(teacher + "def build_student" + student.replace(sound, broken), encoding="utf-8")
    before = sorted((base.root / "serving").rglob("*"))
    try:
        # A search would stop at it before.
        again = base.again("controls=false", "distillation.search=false")
    finally:
        models.write_text(teacher + "def build_student" + student, encoding="utf-8")
    assert again.code == 3, again.output
    assert "the student's accuracy is nan over 250 labelled test examples" in again.report["gate"]["reasons"][0]
    assert again.report["models"]["student"]["metrics"]["accuracy"] is None
    assert again.report["serving"] is None
    assert sorted((base.root / "serving").rglob("*")) == before


@pytest.mark.long
def test_an_edited_line_of_the_student_trains_the_student_alone(base: Base) -> None:
    """Other edits: tests/cli/test_cache_after_edits.py, which looks at the compiled graph alone."""
    edit(base.task / "models.py", 'get("units", 32)', 'get("units", 33)')
    try:
        again = base.again()
    finally:
        edit(base.task / "models.py", 'get("units", 33)', 'get("units", 32)')
    assert again.code == 0, again.output
    assert again.computed == NEVER_CACHED | FROM_STUDENT
    assert (
        again.report["models"]["student"]["parameters"] > base.finished.report["models"]["student"]["parameters"]
    )


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the built-in task with the settings in its config.yaml."""
    root = tmp_path_factory.mktemp("shipped") / "root"
    done = run("digits", root)
    assert done.code == 0, done.output
    assert done.computed == set(NODES)
    assert done.report["serving"] == str(root / "serving" / "1")
    return root


@pytest.mark.long
def test_digits_passes_its_gate_as_it_is_shipped(shipped: Path) -> None:
    assert_as_in_the_readme(json.loads((shipped / "report.json").read_text(encoding="utf-8")))


@pytest.mark.release
def test_digits_passes_its_gate_at_the_ends_of_the_range_of_temperatures(shipped: Path) -> None:
    """The teachers of the shipped temperature come from the cache."""
    for number, temperature in enumerate((1.0, 5.0), start=2):
        done = run("digits", shipped, f"distillation.temperature={temperature}")
        assert done.code == 0, done.output
        assert done.computed == NEVER_CACHED | FROM_DISTILLER
        assert done.report["serving"] == str(shipped / "serving" / str(number))


def assert_as_in_the_readme(report: dict[str, Any]) -> None:
    """Accuracy, to three of the 250 test images: other processors round differently."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| .*?([0-9.]+) %\W* \| ([0-9,]+) \|$", readme, re.MULTILINE)
    said = {
        model: (float(accuracy) / 100, int(weights.replace(",", "")))
        for model, (accuracy, weights) in zip(
            ("teacher", "student", "student_pseudo_labels", "student_hard_labels"), found, strict=True
        )
    }
    assert {model: weights for model, (_, weights) in said.items()} == {
        model: facts["parameters"] for model, facts in report["models"].items()
    }
    for model, (accuracy, _) in said.items():
        assert report["models"][model]["metrics"]["accuracy"] == pytest.approx(accuracy, abs=0.012), model
