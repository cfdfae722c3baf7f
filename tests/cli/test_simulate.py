"""The verb `simulate`, as a user calls it."""

import json
from pathlib import Path

import pytest

from limbeck.cli.main import main
from limbeck.kubeflow.simulate.pod import process
from tests.kubeflow.simulate.probe import TRACES
from tests.kubeflow.simulate.vertex.jobs import MADE, job, step, task

FAILURE = TRACES / "2.17.0" / "failure" / "pipeline.json"
CACHED = TRACES / "2.17.0" / "cache-fingerprint" / "pipeline.json"


@pytest.mark.processes
def test_further_parameters_are_a_further_run_on_the_same_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, root = tmp_path / "trace.json", tmp_path / "root"
    parameters = ["--parameters", '{"temperature": 2.0}']

    code = main(["simulate", str(CACHED), *parameters, *parameters, "--root", str(root), "--trace", str(trace)])

    assert code == 0
    assert "root.train-driver (from the cache)" in capsys.readouterr().out
    runs = json.loads(trace.read_text("utf-8"))["runs"]
    assert [run["phase"] for run in runs] == ["Succeeded", "Succeeded"]
    assert len(list(root.glob("bucket/minio/mlpipeline/v2/artifacts/cache-fingerprint/*"))) == 2
    assert not (root / "pods").exists()

    # What is kept serves a later call too.
    assert main(["simulate", str(CACHED), *parameters, "--root", str(root)]) == 0
    assert "root.train-driver (from the cache)" in capsys.readouterr().out


@pytest.mark.processes
def test_a_run_that_fails_ends_with_1_and_shows_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(FAILURE)]) == 1
    told = capsys.readouterr().out
    assert "exit status 3" in told
    assert "root.use (Omitted)" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no such file"], "; no such file cannot be read: No such file or directory\n"),
        ([str(FAILURE), "--kfp", "2.16"], "2.5, 2.15, 2.17"),
        ([str(FAILURE), "--parameters", "{epochs: 3}"], "--parameters takes JSON"),
        ([str(FAILURE), "--parameters", "3"], "object"),
        ([str(FAILURE), "--trace", "/no/such/folder/trace.json"], "--trace"),
        ([str(FAILURE), "--trace", "/"], "--trace takes a file"),
        ([str(FAILURE), "--parameters", '{"epochs": 3}'], "no parameter epochs"),
        ([str(TRACES / "2.17.0" / "schema-2.0.0" / "pipeline.json")], "2.1.0"),
    ],
)
def test_a_mistake_is_a_sentence(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert told in error


@pytest.mark.processes
def test_a_parameter_that_is_not_known_leaves_nothing_behind(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert main(["simulate", str(FAILURE), "--parameters", '{"epochs": 3}', "--root", str(root)]) == 2
    assert not root.exists()


def test_a_refusal_is_in_the_trace(tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    pipeline = TRACES / "2.17.0" / "schema-2.0.0" / "pipeline.json"
    assert main(["simulate", str(pipeline), "--trace", str(trace)]) == 2
    (run,) = json.loads(trace.read_text("utf-8"))["runs"]
    assert run["refused"] == "pipeline"


def test_where_no_namespace_can_be_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # `false` fails as `unshare` does without the right.
    monkeypatch.setattr(process, "_unshare", lambda: ["false"])
    assert main(["simulate", str(FAILURE)]) == 2
    assert "namespace" in capsys.readouterr().err


@pytest.mark.processes
def test_a_job_of_vertex_is_known_by_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, trace, root = tmp_path / "job.json", tmp_path / "trace.json", tmp_path / "root"
    graph = {"make": (step({"write": {"data": "7"}}, **MADE), task(cached=True))}
    file.write_text(json.dumps(job(graph)), encoding="utf-8")
    arguments = ["simulate", str(file), "--root", str(root), "--trace", str(trace)]

    assert main(arguments) == 0
    assert "SUCCEEDED     make\nrun 1: Succeeded" in capsys.readouterr().out
    assert len(list(root.glob("bucket/gcs/store/pipeline/*/*/make_*/data/file"))) == 1

    # What is kept serves a later call too.
    assert main([*arguments, "--target", "vertex"]) == 0
    assert "SKIPPED       make (from the cache)" in capsys.readouterr().out
    (run,) = json.loads(trace.read_text("utf-8"))["runs"]
    assert (run["state"], run["tasks"][0]["state"]) == ("SUCCEEDED", "SKIPPED")
    assert not (root / "pods").exists()


@pytest.mark.processes
def test_a_job_of_vertex_that_fails_ends_with_1_and_shows_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "job.json"
    failing = (step({"exit": 3}), task(retryPolicy={"maxRetryCount": 1}))
    file.write_text(json.dumps(job({"make": failing})), encoding="utf-8")
    assert main(["simulate", str(file)]) == 1
    told = capsys.readouterr().out
    assert "FAILED        make (2 attempts)\n  the container ended with exit status 3" in told
    assert "  | GIVEN" in told


def test_a_file_for_kubeflow_is_no_job_of_vertex(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(FAILURE), "--target", "vertex"]) == 2
    assert "error: Vertex AI refuses the pipeline: the file is no PipelineJob" in capsys.readouterr().err
