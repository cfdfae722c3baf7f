"""What the simulation does is what KFP's own code did: every trace, in the release that it was made with."""

import json
from pathlib import Path

import pytest

from tests.kubeflow.simulate import comparison, probe
from tests.kubeflow.simulate.probe import TRACES

pytestmark = pytest.mark.processes

CASES = sorted(TRACES.glob("2.*.0/*/expected.json"))
REFUSED = [case for case in CASES if '"refused"' in case.read_text("utf-8")]
IN_THE_BUCKET = "in the bucket: "


def objects(question: str) -> dict[str, str]:
    """The objects that a question puts into the bucket: a file holds the first letter of its name."""
    _, _, listed = question.partition(IN_THE_BUCKET)
    return {key: Path(key).name[0] if key[-1] != "/" else "" for key in listed.split(", ") if key}


def test_all_traces_are_there() -> None:
    assert len(CASES) == 87


@pytest.mark.parametrize("path", CASES, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_the_simulation_does_what_kfp_did(path: Path) -> None:
    release, name = path.parts[-3].rsplit(".", 1)[0], path.parts[-2]
    expected = json.loads(path.read_text("utf-8"))
    pipeline = (TRACES / "2.17.0" / name / "pipeline.json").read_text("utf-8")
    parameters = [run["parameters"] for run in expected["runs"]]

    outcomes = probe.run(pipeline, release, *parameters, objects=objects(expected["question"]))

    ours = json.loads(json.dumps([outcome.trace for outcome in outcomes]))
    assert not comparison.differences(ours, expected["runs"], name)


@pytest.mark.parametrize(
    "path", [case for case in CASES if "reason" in case.read_text("utf-8")], ids=lambda p: p.parts[-2]
)
def test_a_refusal_is_a_sentence_with_the_cause(path: Path) -> None:
    release, name = path.parts[-3].rsplit(".", 1)[0], path.parts[-2]
    expected = json.loads(path.read_text("utf-8"))
    pipeline = (TRACES / "2.17.0" / name / "pipeline.json").read_text("utf-8")

    (outcome,) = probe.run(pipeline, release, *[run["parameters"] for run in expected["runs"]])

    assert outcome.refusal is not None
    assert len(outcome.refusal.reason.split()) > 5
    assert "Traceback" not in str(outcome.refusal)


def test_a_comparison_sees_a_difference() -> None:
    path = TRACES / "2.17.0" / "failure" / "expected.json"
    expected = json.loads(path.read_text("utf-8"))
    other = json.loads(path.read_text("utf-8"))
    other["runs"][0]["tasks"][2]["said"][0]["probe"]["uid"] = 0
    other["runs"][0]["bucket"]["v2/artifacts/more"] = 1

    assert len(comparison.differences(other["runs"], expected["runs"], "failure")) == 2
