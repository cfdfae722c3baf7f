"""What Kubeflow Pipelines and Vertex AI are told to draw."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from limbeck.components.visualizer import metadata
from tests.components.visualizer import left
from tests.kubeflow import visualizing
from tests.kubeflow.pods import Pod, assert_done
from tests.kubeflow.simulate import probe
from tests.kubeflow.specs import Spec, task_of

pytestmark = [pytest.mark.processes, pytest.mark.long]

MODELS = ("teacher", "student", "student_hard_labels", "student_pseudo_labels")
TRACE = probe.TRACES / "2.17.0" / "ui-artifacts" / "expected.json"
DRAWN = {
    "report": "system.HTML",
    "verdict": "system.Markdown",
    **{f"{name}_metrics": "system.Metrics" for name in MODELS},
    **{f"{name}_classification": "system.ClassificationMetrics" for name in MODELS[:2]},
}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    return visualizing.compiled("kubeflow", tmp_path_factory.mktemp("kubeflow") / "shown.yaml")


def parameters(spec: Spec) -> dict[str, Any]:
    """The values that stand in the spec, as KFP hands them over: each number as a double."""
    given = task_of(spec, "Visualizer")["inputs"]["parameters"]
    values = {name: one["runtimeValue"]["constant"] for name, one in given.items()}
    return {name: float(value) if isinstance(value, int) else value for name, value in values.items()}


def visualized(spec: Spec, folder: Path, **given: Any) -> Pod:
    """Visualizer, as a process, on artifacts that the pod holds. Nobody searched for the run's temperature."""
    report = left.sample(refused=True)
    left.write(dataclasses.replace(report, findings=dataclasses.replace(report.findings, search=None)), folder)
    pod = Pod(spec, "Visualizer", folder / "pod")
    artifacts = {name: {"name": str(index), "uri": str(folder / name)} for index, name in enumerate(left.INPUTS)}
    assert_done(pod.run(pod.input(artifacts, parameters(spec) | given)))
    return pod


@pytest.fixture(scope="module")
def pod(spec: Spec, tmp_path_factory: pytest.TempPathFactory) -> Pod:
    return visualized(spec, tmp_path_factory.mktemp("run"), gate_max_bytes=50_000.0, distillation_temperature=4.5)


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_outputs_have_the_types_that_are_drawn(target: str, spec: Spec, tmp_path: Path):
    compiled = spec if target == "kubeflow" else visualizing.compiled(target, tmp_path / "shown.json")

    outputs = compiled["components"]["Visualizer"]["outputDefinitions"]["artifacts"]
    assert {key: one["artifactType"] for key, one in outputs.items()} == {
        key: {"schemaTitle": title, "schemaVersion": "0.0.1"} for key, title in DRAWN.items()
    }


def test_metrics_are_the_figures_of_each_model_and_no_more(pod: Pod):
    told = pod.told()["artifacts"]
    for name in MODELS:
        [artifact] = told[f"{name}_metrics"]["artifacts"]
        assert artifact == {"metadata": metadata.figures(left.sample(refused=True), name)}


def test_matrix_and_curve_are_plain_json(pod: Pod):
    told = pod.told()["artifacts"]
    findings = left.sample().findings
    assert findings is not None
    for name in MODELS[:2]:
        [artifact] = told[f"{name}_classification"]["artifacts"]
        assert artifact == {"metadata": metadata.classification(findings, name)}


def test_page_and_verdict_are_the_objects_themselves(pod: Pod):
    assert pod.told()["artifacts"]["report"] == {"artifacts": [{"metadata": {}}]}
    page, verdict = ((pod.folder / name).read_text(encoding="utf-8") for name in ("report", "verdict"))

    assert page.startswith("<!DOCTYPE html>")
    for text in (page, verdict):
        assert "Refused: the student is not fit to serve" in text
    # Advice starts from the value of this run, and not from that of the compiled file.
    assert "--set distillation.temperature=2.25" in page


def shape(value: Any) -> Any:
    """The keys of a value, and the kinds of what they hold. Of a list, the first one counts."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return type(value)


@pytest.mark.pipeline
def test_kfp_stores_what_its_ui_draws(spec: Spec, tmp_path: Path):
    """Simulated, it leaves what KFP's own launcher left of artifacts that its UI draws (the trace)."""
    left.write(left.sample(), tmp_path)
    objects = {
        f"given/{path.relative_to(tmp_path)}": path.read_text(encoding="utf-8")
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    (outcome,) = probe.run(spec_text(spec), "2.17", objects=objects)

    assert outcome.history is not None
    assert outcome.history.phase == "Succeeded", outcome.trace["tasks"][-1]
    # Those that were given have no name of KFP's, as importers give none.
    stored = {_name(one): one for one in outcome.trace["artifacts"] if "display_name" in one["custom_properties"]}
    seen = {_name(one): one for one in json.loads(TRACE.read_text(encoding="utf-8"))["runs"][0]["artifacts"]}
    assert {key: one["type"] for key, one in stored.items() if key in DRAWN} == DRAWN
    kept = {one["type"]: one for one in seen.values()}
    for key, title in DRAWN.items():
        ours, theirs = stored[key], kept[title]
        assert (ours["properties"], ours["state"]) == (theirs["properties"], theirs["state"])
        if title == "system.Metrics":
            assert {tuple(one) for one in ours["custom_properties"].values()} == {("double",), ("string",)}
        else:
            assert shape(ours["custom_properties"]) == shape(theirs["custom_properties"])
    values = stored["student_metrics"]["custom_properties"]
    assert values["accuracy"] == {"double": left.sample().models["student"].metrics["accuracy"]}
    # One object each, at the URI of the artifact; metrics have none.
    uris = {key: one["uri"].removeprefix("minio://mlpipeline/") for key, one in stored.items() if key in DRAWN}
    found = {key: [name for name in outcome.trace["bucket"] if name.startswith(uri)] for key, uri in uris.items()}
    assert found == {key: [uris[key]] if key in ("report", "verdict") else [] for key in DRAWN}


def spec_text(spec: Spec) -> str:
    return json.dumps(spec)


def _name(artifact: dict[str, Any]) -> str:
    return str(artifact["uri"].rpartition("/")[2])
