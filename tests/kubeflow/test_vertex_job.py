"""The compiled job of Vertex AI, held against what Google's own client and messages take. Nobody is asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.protobuf import json_format

from limbeck.cli.main import main
from limbeck.kubeflow.simulate.vertex import job as simulated
from limbeck.kubeflow.simulate.vertex.rules import RULES

PROJECT = Path(__file__).parents[2]
ROOT = "gs://bucket/limbeck"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vertex") / "digits.json"
    arguments = ["compile", "--task", "digits", "--target", "vertex", "--output", str(path), "--root", ROOT]
    assert main([*arguments, "--retries", "2"]) == 0
    return path


@pytest.fixture(scope="module")
def compiled(path: Path) -> dict[str, Any]:
    """The file is one JSON document: there is none beside it for a platform."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def _of_client(path: Path, **arguments: Any) -> Any:
    from google.cloud import aiplatform

    return aiplatform.PipelineJob(
        display_name="digits",
        template_path=str(path),
        project="lab",
        location="us-central1",
        credentials=AnonymousCredentials(),
        **arguments,
    )


def test_every_field_is_one_of_the_api(compiled: dict[str, Any]):
    """Strict: an unknown field, or one of another kind, raises."""
    from google.cloud.aiplatform_v1.types import PipelineJob

    message = PipelineJob.pb(PipelineJob())
    json_format.ParseDict(compiled, message)
    assert message.runtime_config.gcs_output_directory == f"{ROOT}/pipeline"
    with pytest.raises(json_format.ParseError, match="displayname"):
        json_format.ParseDict({**compiled, "displayname": "x"}, PipelineJob.pb(PipelineJob()))


def test_names_and_labels_are_within_their_bounds(compiled: dict[str, Any]):
    from google.cloud.aiplatform import utils

    utils.validate_display_name(compiled["displayName"])
    utils.validate_labels(compiled["labels"])
    assert compiled["pipelineSpec"]["schemaVersion"] == "2.1.0"


def test_googles_client_takes_the_file_as_it_is(path: Path, compiled: dict[str, Any]):
    job = _of_client(path)._gca_resource
    assert json_format.MessageToDict(type(job).pb(job).pipeline_spec) == compiled["pipelineSpec"]
    assert job.runtime_config.gcs_output_directory == f"{ROOT}/pipeline"


def test_parameters_of_a_run_and_another_root_go_in(path: Path):
    job = _of_client(
        path, parameter_values={"training_epochs": 3}, pipeline_root="gs://other/root", job_id="digits-1"
    )
    config = json_format.MessageToDict(type(job._gca_resource).pb(job._gca_resource).runtime_config)
    assert config == {"gcsOutputDirectory": "gs://other/root", "parameterValues": {"training_epochs": 3.0}}
    with pytest.raises(ValueError, match="epochs is not found"):
        _of_client(path, parameter_values={"epochs": 3})


def test_a_pause_between_attempts_is_an_hour_at_most(compiled: dict[str, Any]):
    policies = [task["retryPolicy"] for task in compiled["pipelineSpec"]["root"]["dag"]["tasks"].values()]
    assert {policy["backoffMaxDuration"] for policy in policies} == {"3600s"}
    assert {policy["maxRetryCount"] for policy in policies} == {2}


def test_the_simulation_takes_the_file(path: Path):
    job = simulated.read(path.read_text("utf-8"), {"training_epochs": 3})
    assert (job.name, job.root) == ("limbeck-digits", f"{ROOT}/pipeline")
    assert job.parameters["training_epochs"] == 3
    # Defaults are those of the compiled settings.
    assert job.parameters["gate_tolerance"] is not None


def test_the_docs_name_each_rule_of_the_simulation_and_how_it_is_known():
    text = (PROJECT / "docs/vertex.md").read_text("utf-8")
    for rule in RULES:
        assert f"| {rule.name} | {rule.says} | {rule.known} |" in text
