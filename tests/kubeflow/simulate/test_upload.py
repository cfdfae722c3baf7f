"""What the API server takes, and what it drops or refuses."""

import json
from typing import Any

import pytest

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload import documents, run_parameters
from limbeck.kubeflow.simulate.upload.accepted import accept
from limbeck.kubeflow.simulate.upload.fields import ENUMERATIONS, MESSAGES
from limbeck.kubeflow.simulate.upload.strict import FieldError, Parser
from limbeck.kubeflow.simulate.versions import rules
from tests.kubeflow.simulate.probe import spec, step, task

PIPELINE = spec([step("one", {})], {"one": task("one")})
PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-one": {}}}}}}

# KFP's names of the messages that are called differently here.
OF_KFP = {
    "Task": "PipelineTaskSpec",
    "Container": "PipelineDeploymentConfig.PipelineContainerSpec",
    "Importer": "PipelineDeploymentConfig.ImporterSpec",
    "Resources": "PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec",
    "Accelerator": "PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec.AcceleratorConfig",
    "InputParameter": "ComponentInputsSpec.ParameterSpec",
    "InputArtifact": "ComponentInputsSpec.ArtifactSpec",
    "OutputArtifact": "ComponentOutputsSpec.ArtifactSpec",
    "TaskInputParameter": "TaskInputsSpec.InputParameterSpec",
    "RetryPolicy": "PipelineTaskSpec.RetryPolicy",
    "PipelineSpec": "PipelineSpec",
    "ComponentSpec": "ComponentSpec",
    "RuntimeArtifact": "RuntimeArtifact",
    "ExecutorOutput": "ExecutorOutput",
    "ArtifactType": "ArtifactTypeSchema",
}


@pytest.mark.parametrize("ours", OF_KFP)
def test_every_field_of_the_published_messages_is_known(ours: str) -> None:
    """The installed messages are older than the servers: what they hold, every release knows."""
    pytest.importorskip("kfp.pipeline_spec")
    from kfp.pipeline_spec import pipeline_spec_pb2

    message: Any = pipeline_spec_pb2
    for part in OF_KFP[ours].split("."):
        message = getattr(message, part)
    for field in message.DESCRIPTOR.fields:
        known = MESSAGES[ours].find(field.json_name, 5)
        assert known is not None, field.json_name
        assert MESSAGES[ours].find(field.name, 5) is known
        repeated = field.label == field.LABEL_REPEATED
        assert bool(known.many) == repeated, field.json_name
        if field.enum_type is not None:
            published = [value.name for value in field.enum_type.values]
            assert list(ENUMERATIONS[known.kind][: len(published)]) == published


def test_every_type_of_a_field_is_defined() -> None:
    scalars = {"string", "bool", "double", "int32", "int64", "Struct", "Value", "Duration"}
    kinds = {field.kind for message in MESSAGES.values() for field in message.fields}
    assert kinds <= scalars | MESSAGES.keys() | ENUMERATIONS.keys()


def test_yaml_and_json_are_the_same_pipeline() -> None:
    import yaml

    assert accept(yaml.safe_dump(PIPELINE), rules("2.17")) == accept(json.dumps(PIPELINE), rules("2.17"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("true", True),
        ("1e-05", 1e-05),
        ("0x10", 16),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("1_000", 1000),
        ('"a\\u2028 b"', "a\u2028 b"),
    ],
)
def test_bare_words_mean_what_they_mean_to_the_server(text: str, value: object) -> None:
    assert documents.read(f"key: {text}") == [{"key": value}]


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: [", "- a list"])
def test_a_file_that_cannot_be_read(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        accept(text, rules("2.17"))
    assert caught.value.stage == "pipeline"


def test_snake_case_is_taken() -> None:
    found = Parser(17).message("Task", {"task_info": {"name": "a"}, "dependent_tasks": ["b"]})
    assert found == {"taskInfo": {"name": "a"}, "dependentTasks": ["b"]}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("Task", {"taskInfo": "a"}),
        ("Task", {"dependentTasks": "a"}),
        ("TaskInputParameter", {"componentInputParameter": "a", "runtimeValue": {"constant": 1}}),
        ("Resources", {"cpuLimit": "two"}),
        ("RetryPolicy", {"backoffDuration": "1 minute"}),
        ("RetryPolicy", {"maxRetryCount": 1.5}),
        ("InputParameter", {"parameterType": "NUMBER"}),
        ("InputParameter", {"defaultValue": float("nan")}),
        ("CachingOptions", {"enableCache": "true"}),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, given: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        Parser(17).message(kind, given)


def test_fields_come_and_go_with_releases() -> None:
    with pytest.raises(FieldError, match="customPath"):
        Parser(5).message("RuntimeArtifact", {"customPath": "/a"})
    assert Parser(15).message("RuntimeArtifact", {"customPath": "/a"}) == {"customPath": "/a"}
    with pytest.raises(FieldError, match="resourceTtl"):
        Parser(17).message("PipelineConfig", {"resourceTtl": 1})


def test_a_misspelt_outer_key_of_the_platform_document_is_told_and_dropped() -> None:
    text = f"{json.dumps(PIPELINE)}\n---\n{json.dumps({'platform': PLATFORM['platforms']})}"
    accepted = accept(text, rules("2.17"))
    assert accepted.platform == {}
    assert "'platform'" in accepted.warnings[0]
    assert accept(f"{json.dumps(PIPELINE)}\n---\n{json.dumps(PLATFORM)}", rules("2.17")).platform == {
        "exec-one": {}
    }


def test_a_job_of_vertex_is_named() -> None:
    with pytest.raises(RefusedError, match="Vertex"):
        accept(json.dumps({"pipelineSpec": PIPELINE, "runtimeConfig": {}}), rules("2.17"))


def test_two_pipelines_in_one_file() -> None:
    with pytest.raises(RefusedError, match="several pipelines"):
        accept(f"{json.dumps(PIPELINE)}\n---\n{json.dumps(PIPELINE)}", rules("2.17"))


ROOT = {
    "root": {
        "inputDefinitions": {
            "parameters": {
                "whole": {"parameterType": "NUMBER_INTEGER", "isOptional": True},
                "word": {"parameterType": "STRING", "defaultValue": "a", "literals": ["a", "b"]},
            }
        }
    }
}


def test_parameters_of_a_run() -> None:
    # A fraction is a number as any other.
    assert run_parameters.check(ROOT, {"whole": 1.5, "word": "b"}) == {"whole": 1.5, "word": "b"}
    assert run_parameters.defaults(ROOT, {}) == {"whole": None, "word": "a"}


@pytest.mark.parametrize(
    ("given", "told"),
    [({"whole": True}, "bool"), ({"word": 1}, "number"), ({"word": "c"}, "'a', 'b'"), ({"wohle": 1}, "'whole'")],
)
def test_parameters_that_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(RefusedError, match=told) as caught:
        run_parameters.check(ROOT, given)
    assert caught.value.stage == "run"
