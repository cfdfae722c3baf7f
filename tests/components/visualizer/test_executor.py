"""Visualizer as TFX runs it, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.artifacts import types
from limbeck.components.properties.code import CodeRef, code_properties
from limbeck.components.visualizer import metadata, settings
from limbeck.components.visualizer.executor import Executor
from limbeck.reference import TaskRef
from limbeck.report.schema import Report
from tests.components import rehearsal
from tests.components.visualizer import left

MODELS = ("teacher", "student", "student_hard_labels", "student_pseudo_labels")


def visualize(report: Report, folder: Path, *, classes: bool = True) -> dict[str, Any]:
    """The metadata of the outputs, after serialization; the files are at their URIs, `<name>/value`."""
    left.write(report, folder)
    kinds = {"findings": types.Findings, "measurements": types.Measurements}
    kinds |= {"blessing": standard_artifacts.ModelBlessing}
    inputs = {name: rehearsal.artifact(kind, folder / name) for name, kind in kinds.items()}
    outputs: dict[str, Artifact] = {f"{name}_metrics": types.Metrics() for name in report.models}
    if classes:
        outputs |= {f"{name}_classification": types.ClassificationMetrics() for name in MODELS[:2]}
    outputs |= {"report": types.HtmlPage(), "verdict": types.MarkdownPage()}
    for name, one in outputs.items():
        # As TFX's driver makes them: values are files.
        one.uri = str(folder / name / "value") if name in ("report", "verdict") else str(folder / name)
        (folder / name).mkdir()
    properties = code_properties(CodeRef(TaskRef("limbeck.tasks.digits"), "digest")) | settings.encode(
        report.config
    )
    told = rehearsal.run(Executor, inputs, outputs, properties, folder)
    found = {}
    for name, some in told.output_artifacts.items():
        [message] = some.artifacts
        outputs[name].set_mlmd_artifact(message)
        found[name] = {
            key: outputs[name].get_custom_property(key)
            for key in message.custom_properties
            if key != "tfx_version"
        }
    return found


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("passed")
    return folder, visualize(left.sample(), folder)


def test_each_model_has_its_figures(passed: tuple[Path, dict[str, Any]]):
    _, told = passed
    for name in MODELS:
        assert told[f"{name}_metrics"] == metadata.figures(left.sample(), name)


def test_teacher_and_student_have_matrix_and_curve(passed: tuple[Path, dict[str, Any]]):
    _, told = passed
    findings = left.sample().findings
    assert findings is not None
    for name in MODELS[:2]:
        assert told[f"{name}_classification"] == metadata.classification(findings, name)
        assert set(told[f"{name}_classification"]) == {"confusionMatrix", "confidenceMetrics"}


def test_page_and_verdict_are_one_file_each(passed: tuple[Path, dict[str, Any]]):
    folder, told = passed
    assert told["report"] == told["verdict"] == {}
    assert (folder / "report" / "value").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "Passed: the student is fit to serve" in (folder / "verdict" / "value").read_text(encoding="utf-8")


def test_a_task_without_classes_has_neither(tmp_path: Path):
    told = visualize(left.sample(refused=True), tmp_path, classes=False)

    assert not [name for name in told if "classification" in name]
    assert "not fit to serve" in (tmp_path / "verdict" / "value").read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_bytes(passed: tuple[Path, dict[str, Any]], tmp_path: Path):
    visualize(left.sample(), tmp_path)
    for name in ("report", "verdict"):
        assert (tmp_path / name / "value").read_bytes() == (passed[0] / name / "value").read_bytes()
