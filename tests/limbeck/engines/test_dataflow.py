"""Beam translates a pipeline for Dataflow from our flags. The request for a job is read, and sent to nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from limbeck.engines.registry import engine_kind
from limbeck.errors import ConfigError
from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.vertex.storage import server
from limbeck.settings.beam import VARIABLES, BeamConfig
from limbeck.settings.dataflow import DataflowConfig

NEEDED = {
    "project": "my-project-1",
    "region": "us-central1",
    "temp": "gs://bucket/temp",
    "image": "gcr.io/me/it:1",
}
FULL = {
    **NEEDED,
    "staging": "gs://bucket/staging",
    "machine": "n1-standard-4",
    "max_workers": 5,
    "disk_gigabytes": 80,
    "service_account": "it@my-project-1.iam.gserviceaccount.com",
    "network": "net",
    "subnetwork": "regions/us-central1/subnetworks/sub",
    "public_addresses": False,
}


def settings(given: dict[str, Any], **others: Any) -> BeamConfig:
    return BeamConfig(engine="dataflow", dataflow=DataflowConfig(**given), **others)


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed(name: str):
    with pytest.raises(ConfigError, match=rf"needs beam\.dataflow\.{name}"):
        settings({key: value for key, value in NEEDED.items() if key != name})


@pytest.mark.parametrize(
    ("wrong", "others"),
    [
        ({"project": "p"}, {}),
        ({"project": "My-Project"}, {}),
        ({"region": "us-central1-a"}, {}),
        ({"temp": "/tmp/here"}, {}),
        ({"staging": "gs://"}, {}),
        ({"max_workers": 1}, {"workers": 2}),
        ({}, {"endpoint": "localhost:8099"}),
        ({}, {"master": "http://localhost:8081"}),
    ],
)
def test_what_google_would_refuse_or_nobody_would_read(wrong: dict[str, Any], others: dict[str, Any]):
    with pytest.raises(ConfigError):
        settings(NEEDED | wrong, **others)


def test_a_run_on_this_machine_is_refused():
    with pytest.raises(ConfigError, match="compile the pipeline with --root"):
        engine_kind("dataflow").check_machine(settings(NEEDED))


def test_the_flags_fit_into_the_variables():
    assert tuple(settings(FULL).variables()) == VARIABLES


def requested(folder: Path, config: BeamConfig) -> tuple[dict[str, Any], list[str]]:
    """The request that Beam would send, and the files that it put into the bucket."""
    with server.serving(Buckets(folder / "buckets"), folder / "secrets") as variables:
        names = ("STORAGE_EMULATOR_HOST", "GCE_METADATA_HOST", "GCE_METADATA_IP", "no_proxy")
        subprocess.run(
            [
                *(sys.executable, "-m", "tests.limbeck.engines.translated"),
                *(*config.flags(), f"--template_location={folder / 'job.json'}", "--no_auth"),
            ],
            check=True,
            env=os.environ | {name: variables[name] for name in names},
        )
    files = [path.name for path in (folder / "buckets").rglob("*") if path.is_file()]
    return json.loads((folder / "job.json").read_text(encoding="utf-8")), files


@pytest.mark.processes
def test_the_request_for_a_job(tmp_path: Path):
    job, files = requested(tmp_path, settings(FULL, workers=2))

    # Nothing is installed on a worker: the image holds it.
    assert files == ["pipeline.pb"]
    [pool] = job["environment"]["workerPools"]
    assert pool["numWorkers"] == 2
    assert pool["machineType"] == "n1-standard-4"
    assert pool["diskSizeGb"] == 80
    assert pool["network"] == "net"
    assert pool["subnetwork"] == "regions/us-central1/subnetworks/sub"
    assert pool["ipConfiguration"] == "WORKER_IP_PRIVATE"
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 5
    assert [one["containerImage"] for one in pool["sdkHarnessContainerImages"]] == ["gcr.io/me/it:1"]
    assert job["environment"]["serviceAccountEmail"] == "it@my-project-1.iam.gserviceaccount.com"
    assert "use_runner_v2" in job["environment"]["experiments"]
    options = job["environment"]["sdkPipelineOptions"]["options"]
    assert (options["project"], options["region"]) == ("my-project-1", "us-central1")
    assert options["staging_location"].startswith("gs://bucket/staging/")
    assert options["temp_location"].startswith("gs://bucket/temp/")
