"""The registry of models: one entry is all that a further model needs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from limbeck.models import COMPRESSED, CONTROLS, MODELS, STUDENT, TEACHER, shipped
from limbeck.trainer.process import interpreter

pytestmark = pytest.mark.long

PROJECT = Path(__file__).parents[2]
ENTRY = """
    Model("student_toy", "DistillerToy", "pseudo_labels", "student of the toys", "of the toys", control=True),
"""
# In a process of its own, whose registry has one entry more than the file.
PROGRAM = """
import dataclasses, json, sys, types
from pathlib import Path

import limbeck

source = Path("limbeck/models.py").read_text(encoding="utf-8")
registered = source.index("_REGISTERED = (")
end = source.index("\\n)\\n", registered)
module = types.ModuleType("limbeck.models")
sys.modules["limbeck.models"] = limbeck.models = module
exec(compile(source[:end] + ENTRY + source[end:], "limbeck/models.py", "exec"), module.__dict__)

from limbeck.cli import settings
from limbeck.components.graph.context import Storage
from limbeck.components.predictor.component import PredictorSpec
from limbeck.components.reporter.component import ReporterSpec
from limbeck.components.visualizer.component import VisualizerSpec
from limbeck.reference import find
from limbeck.pipeline import create_pipeline
from limbeck.report import html
from limbeck.report.charts.markers import key
from limbeck.report.names import kinds
from tests.report.sample_report import whole

ref = find("digits")
graph = create_pipeline(settings.load(ref, None, []), ref, Storage("/r", "/s", "/d", "/a"), beam_flags=[])
nodes = {node.id: node for node in graph.components}
sample = whole()
report = dataclasses.replace(sample, models=sample.models | {"student_toy": sample.models["student"]})
print(json.dumps({
    "optional": [
        sorted(name for name, channel in spec.INPUTS.items() if "toy" in name and channel.optional)
        for spec in (PredictorSpec, ReporterSpec)
    ],
    "inputs": {name: sorted(nodes[name].inputs) for name in ("Predictor", "Reporter", "DistillerToy")},
    "drawn": sorted(nodes["Visualizer"].outputs),
    "drawn_if_there": VisualizerSpec.OUTPUTS["student_toy_metrics"].optional,
    "targets": nodes["DistillerToy"].exec_properties["targets"],
    "markers": [key(kind).replace(kind, "") for kind in kinds()],
    "page": html.render(report),
}))
"""


@pytest.fixture(scope="module")
def with_toy() -> Any:
    program = f"ENTRY = {ENTRY!r}\n{PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False,
        env=interpreter.environment({"PYTHONPATH": str(PROJECT)}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.pipeline
def test_a_model_more_is_trained_scored_and_reported(with_toy: Any):
    assert with_toy["optional"] == [["student_toy", "student_toy_run"], ["student_toy_run"]]
    assert {"student_toy", "student_toy_run"} <= set(with_toy["inputs"]["Predictor"])
    assert "student_toy_run" in with_toy["inputs"]["Reporter"]
    assert "student_toy_metrics" in with_toy["drawn"] and with_toy["drawn_if_there"]
    assert set(with_toy["inputs"]["DistillerToy"]) == {"examples", "teacher", "transform_graph"}
    assert with_toy["targets"] == "pseudo_labels"


@pytest.mark.pipeline
def test_a_model_more_has_a_name_a_marker_and_a_colour_in_the_report(with_toy: Any):
    page = with_toy["page"]

    assert "student of the toys" in page and "of the toys</text>" in page
    assert ".toy { --tone: var(--toy); }" in page and "marker toy" in page
    assert len(set(with_toy["markers"])) == len(with_toy["markers"]) == len(MODELS) + 1


def test_names_nodes_and_titles_are_unique():
    for attribute in ("name", "node", "title", "short"):
        values = [getattr(model, attribute) for model in MODELS.values()]
        assert len(set(values)) == len(values)
    assert list(MODELS) == [model.name for model in MODELS.values()]


def test_all_but_teacher_student_and_its_file_are_controls():
    assert set(MODELS) - set(CONTROLS) == {TEACHER, STUDENT, COMPRESSED}
    assert {name for name, model in MODELS.items() if model.optional} == {*CONTROLS, COMPRESSED}


def test_a_file_is_shipped_in_the_place_of_its_student():
    assert shipped([TEACHER, STUDENT, *CONTROLS]) == STUDENT
    assert shipped(MODELS) == COMPRESSED
