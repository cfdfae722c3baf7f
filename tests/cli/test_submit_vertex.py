"""The verb `submit` for Vertex AI, with aiplatform's own client against a server on the loopback interface."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import CredentialsWithRegionalAccessBoundary as RegionalAccess

from limbeck.cli.main import main
from limbeck.kubeflow.submit import patience
from tests.kubeflow.submit import compiled
from tests.kubeflow.submit.loopback import Answer, Fault, serving, unused
from tests.kubeflow.submit.vertex_server import PROJECT, REGION, VertexServer, key_file, refusal

SUCCESS = [
    ("PENDING", {}),
    ("RUNNING", {"limbeck-small": "RUNNING", "DataFingerprint": "RUNNING"}),
    ("RUNNING", {"limbeck-small": "RUNNING", "DataFingerprint": "SUCCEEDED", "ExampleGen": "RUNNING"}),
    ("SUCCEEDED", {"DataFingerprint": "SUCCEEDED", "ExampleGen": "SKIPPED", "StatisticsGen": "SUCCEEDED"}),
]
EXIT = "The replica workerpool0-0 exited with a non-zero status of 2."


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would be slept, in seconds."""
    slept: list[float] = []
    monkeypatch.setattr(patience, "pause_for", slept.append)
    return slept


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return compiled.write(tmp_path, "vertex")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VertexServer]:
    made = VertexServer(list(SUCCESS))
    with serving(made) as url:
        made.url = url
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, url)))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        # A further lookup of google-auth, by a thread of its own, at an address that is not the test's.
        monkeypatch.setattr(RegionalAccess, "_is_regional_access_boundary_lookup_required", lambda self: False)
        yield made


def submit(file: Path, server: VertexServer, *further: str) -> int:
    place = ["--project", PROJECT, "--region", REGION, "--host", server.url]
    return main(["submit", str(file), *place, *further])


def test_a_job_is_created_and_watched_to_its_success(file, server, capsys):
    code = submit(
        file, server, "--set", "training.epochs=7", "--root", "gs://bucket/here", "--service-account", "w@x"
    )

    out = capsys.readouterr().out
    assert code == 0
    ((identity, job),) = server.jobs.items()
    assert re.fullmatch(r"limbeck-small-\d{14}-[0-9a-f]{6}", identity)
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://bucket/here"
    assert job["runtimeConfig"]["parameterValues"]["training_epochs"] == 7
    assert job["serviceAccount"] == "w@x"
    assert job["labels"] == {"tfx_runner": "kubeflow_v2"}
    assert f"/locations/{REGION}/pipelines/runs/{identity}?project={PROJECT}" in out
    assert " 1/3 DataFingerprint          succeeded" in out
    assert " 2/3 ExampleGen               cached" in out
    assert out.rstrip().endswith("run: succeeded")


def test_the_root_of_the_file_is_taken_where_none_is_given(file, server):
    submit(file, server, "--no-wait")
    (job,) = server.jobs.values()
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://bucket/limbeck/pipeline"


def test_a_failed_task_is_named_with_its_error(file, server, capsys):
    failed = {"state": "FAILED", "error": {"code": 9, "message": EXIT}}
    server.looks[:] = [("FAILED", {"limbeck-small": failed, "DataFingerprint": "SUCCEEDED", "ExampleGen": failed})]
    assert submit(file, server) == 1
    error = capsys.readouterr().err
    assert f"ExampleGen failed: {EXIT}" in error
    # The job itself is in the list of tasks as well.
    assert "limbeck-small failed" not in error


def test_an_image_that_cannot_be_pulled_has_a_remedy(file, server, capsys):
    text = f"Failed to pull image {compiled.IMAGE}: not found"
    server.looks[:] = [("FAILED", {"ExampleGen": {"state": "FAILED", "error": {"code": 5, "message": text}}})]
    assert submit(file, server) == 1
    assert "The image cannot be pulled: push it" in capsys.readouterr().err


def test_a_cancelled_job_ends_the_waiting(file, server, capsys):
    server.looks[:] = [("RUNNING", {}), ("CANCELLED", {})]
    assert submit(file, server) == 1
    assert "the run was cancelled" in capsys.readouterr().err


def test_no_cache_reaches_each_task(file, server):
    submit(file, server, "--no-wait", "--no-cache")
    (job,) = server.jobs.values()
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"].values()
    assert [task["cachingOptions"] for task in tasks] == [{"enableCache": False}] * 3


def test_a_schedule_has_five_fields_and_a_time_zone(file, server, capsys):
    assert submit(file, server, "--schedule", "30 6 * * mon", "--service-account", "w@x") == 0
    (schedule,) = server.schedules
    assert schedule["cron"] == "TZ=UTC 30 6 * * 1"
    assert schedule["createPipelineJobRequest"]["pipelineJob"]["serviceAccount"] == "w@x"
    assert not server.jobs

    assert submit(file, server, "--schedule", "30 6 * * mon") == 2
    assert "there is a schedule 'limbeck-small'" in capsys.readouterr().err
    assert len(server.schedules) == 1


def test_ctrl_c_cancels_where_that_is_asked_for(file, server, monkeypatch, capsys):
    server.looks[:] = [SUCCESS[1]]
    monkeypatch.setattr(patience, "pause_for", lambda seconds: signal.raise_signal(signal.SIGINT))
    assert submit(file, server) == 130
    assert not server.cancelled
    assert submit(file, server, "--cancel-on-interrupt") == 130
    assert server.cancelled == [list(server.jobs)[1]]


class TestFaults:
    def test_a_token_that_was_revoked_is_renewed(self, file, server):
        server.faults = [Fault("GET", "/pipelineJobs/", refusal(401, "UNAUTHENTICATED", "token expired"))]
        assert submit(file, server) == 0

    def test_a_credential_that_is_refused_for_good_is_told(self, file, server, capsys):
        denied = refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        server.faults = [Fault("GET", "/pipelineJobs/", denied) for _ in range(9)]
        assert submit(file, server) == 2
        error = capsys.readouterr().err
        assert "gcloud auth application-default login" in error
        assert "The run goes on" in error

    def test_a_busy_service_is_asked_again(self, file, server, no_waiting):
        server.faults = [Fault("POST", "/pipelineJobs$", refusal(503, "UNAVAILABLE", "try again"))] * 2
        assert submit(file, server, "--no-wait") == 0
        assert len(server.jobs) == 1
        assert no_waiting == [1.0, 2.0]

    def test_a_quota_of_a_minute_comes_back(self, file, server):
        text = "Quota exceeded for quota metric 'Pipeline requests' and limit 'Requests per minute per region'"
        server.faults = [Fault("POST", "/pipelineJobs$", refusal(429, "RESOURCE_EXHAUSTED", text))]
        assert submit(file, server, "--no-wait") == 0

    def test_a_lost_answer_to_the_creation_makes_no_second_job(self, file, server):
        server.faults = [Fault("POST", "/pipelineJobs$", Answer(cut=True), served=True)]
        assert submit(file, server) == 0
        assert len(server.jobs) == 1
        assert len(server.made("POST", "/pipelineJobs$")) == 2

    def test_waiting_survives_lost_connections(self, file, server, capsys):
        server.faults = [Fault("GET", "/pipelineJobs/", Answer(cut=True)) for _ in range(4)]
        assert submit(file, server) == 0
        assert "there is an answer again" in capsys.readouterr().out


class TestMistakes:
    def told(self, capsys) -> str:
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert "Traceback" not in error
        return error

    def test_a_quota_that_is_used_up(self, file, server, capsys):
        text = "Quota exceeded for quota metric 'Concurrent pipeline jobs'"
        server.faults = [Fault("POST", "/pipelineJobs$", refusal(429, "RESOURCE_EXHAUSTED", text))]
        assert submit(file, server) == 2
        told = self.told(capsys)
        assert f"a quota of project {PROJECT} in {REGION} is used up" in told
        assert len(server.made("POST", "/pipelineJobs$")) == 1

    def test_a_bucket_that_is_not_there_is_not_made(self, file, server, capsys):
        """aiplatform's own `submit` would make it."""
        assert submit(file, server, "--root", "gs://buckett/here") == 2
        assert "there is no bucket buckett" in self.told(capsys)
        assert not server.made("POST", "/b$")
        assert not server.jobs

    def test_a_bucket_that_the_submitter_may_not_see_is_left_to_the_run(self, file, server):
        server.faults = [
            Fault("GET", "/storage/", refusal(403, "PERMISSION_DENIED", "storage.buckets.get denied"))
        ]
        assert submit(file, server, "--no-wait") == 0

    def test_a_root_without_the_right_to_write(self, file, server, capsys):
        text = "Service account w@x does not have [storage.objects.create] permission(s) to the bucket `bucket`."
        server.faults = [Fault("POST", "/pipelineJobs$", refusal(400, "FAILED_PRECONDITION", text))]
        assert submit(file, server) == 2
        assert "Storage Object User" in self.told(capsys)

    @pytest.mark.parametrize(
        ("text", "remedy"),
        [
            ("Permission 'aiplatform.pipelineJobs.create' denied", "the role Vertex AI User"),
            ("You do not have permission to act as service_account: w@x", "Service Account User"),
            ("Vertex AI API has not been used in project 1 before or it is disabled", "gcloud services enable"),
        ],
    )
    def test_a_right_that_is_missing(self, file, server, capsys, text, remedy):
        server.faults = [Fault("POST", "/pipelineJobs$", refusal(403, "PERMISSION_DENIED", text))]
        assert submit(file, server) == 2
        assert remedy in self.told(capsys)

    def test_no_credential(self, file, server, capsys, monkeypatch, tmp_path):
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
        monkeypatch.setenv("NO_GCE_CHECK", "true")
        assert submit(file, server) == 2
        assert "gcloud auth application-default login" in self.told(capsys)

    def test_no_network(self, file, server, capsys, monkeypatch):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", unused())
        assert submit(file, server) == 2
        assert "Google Cloud cannot be reached" in self.told(capsys)

    def test_a_region_that_there_is_not(self, file, server, capsys):
        assert submit(file, server, "--region", "us-central9") == 2
        told = self.told(capsys)
        assert "Vertex AI does not work in us-central9. Did you mean 'us-central1'?" in told

    @pytest.mark.parametrize(
        ("further", "told"),
        [
            (["--root", "s3://bucket/here"], "--root takes the pipeline root of the run, gs://bucket/folder"),
            (["--namespace", "mine"], "--namespace is Kubeflow's"),
            (["--project", "No Project"], "needs --project"),
            (["--set", "training.epochs=1.5"], "training_epochs is a whole number"),
        ],
    )
    def test_an_option_is_refused_before_the_network(self, file, server, capsys, further, told):
        assert submit(file, server, *further) == 2
        assert told in self.told(capsys)
        assert not server.requests

    def test_an_image_of_no_registry(self, tmp_path, server, capsys):
        file = compiled.write(tmp_path, "vertex", image="limbeck:0.1.0")
        assert submit(file, server) == 2
        assert "pulls images from a registry" in self.told(capsys)
        assert not server.requests
