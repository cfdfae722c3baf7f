"""An executor input as KFP 2.17 gives it, and as TFX's own code can read it."""

import copy
from typing import Any

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow import example_gen, output_file
from limbeck.kubeflow.artifact_types import class_path, title_of
from limbeck.kubeflow.invocation import Definitions, Invocation, make_folders, understood
from limbeck.kubeflow.rewrites.data_fingerprint import FOUND

RUN = "minio://mlpipeline/v2/artifacts/limbeck-digits/run"
EXAMPLES = {"artifactType": {"instanceSchema": "title: tfx.Examples\ntype: object\n"}}
PREDICTIONS = {"artifactType": {"instanceSchema": "title: limbeck.Predictions\ntype: object\n"}}
DEFINITIONS = Definitions(
    inputs={
        "artifacts": {"examples": EXAMPLES},
        "parameters": {
            "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3.0, "isOptional": True},
            "name": {"parameterType": "STRING"},
            "options": {"parameterType": "STRUCT"},
        },
    },
    outputs={"artifacts": {"predictions": PREDICTIONS}},
)
GIVEN: dict[str, Any] = {
    "inputs": {
        "artifacts": {
            "examples": {
                "artifacts": [
                    {
                        "name": "2",
                        "type": {"instanceSchema": ""},
                        "uri": f"{RUN}/ExampleGen/1/examples",
                        "metadata": {"display_name": "examples", "split_names": '["train"]'},
                    }
                ]
            }
        },
        "parameterValues": {"name": "a", "options": {"b": [1]}, "none": None},
    },
    "outputs": {
        "artifacts": {
            "predictions": {
                "artifacts": [
                    {
                        "name": "predictions",
                        "type": {"instanceSchema": "title: limbeck.Predictions"},
                        "uri": f"{RUN}/Predictor/2/predictions",
                    }
                ]
            },
            "executor-logs": {
                "artifacts": [
                    {"type": {"schemaTitle": "system.Artifact"}, "uri": f"{RUN}/Predictor/2/executor-logs"}
                ]
            },
        },
        "outputFile": "/minio/mlpipeline/v2/artifacts/limbeck-digits/run/Predictor/2/output_metadata.json",
    },
}


def translated(target: str = "kubeflow") -> Invocation:
    given = copy.deepcopy(GIVEN)
    found = understood(given, DEFINITIONS, target)
    assert given == GIVEN
    return found


def test_types_are_those_of_the_definitions():
    content = translated().content
    [examples] = content["inputs"]["artifacts"]["examples"]["artifacts"]
    [predictions] = content["outputs"]["artifacts"]["predictions"]["artifacts"]

    assert examples["type"] == {"instanceSchema": "title: tfx.Examples\n"}
    # TFX imports the title of a type that it does not know.
    assert predictions["type"] == {"instanceSchema": "title: limbeck.components.artifacts.types.Predictions\n"}


def test_tfx_makes_artifacts_of_it():
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as stock

    message = stock.pipeline_spec_pb2.ExecutorInput()
    stock.json_format.ParseDict(translated().content, message)
    utils = stock.kubeflow_v2_entrypoint_utils
    [examples] = utils.parse_raw_artifact_dict(message.inputs.artifacts)["examples"]
    [predictions] = utils.parse_raw_artifact_dict(message.outputs.artifacts)["predictions"]

    assert (examples.type_name, predictions.type_name) == ("Examples", "limbeck.Predictions")
    assert examples.split_names == '["train"]'
    assert examples.uri == "/minio/mlpipeline/v2/artifacts/limbeck-digits/run/ExampleGen/1/examples"


def test_the_log_that_kfp_adds_is_no_output():
    assert set(translated().content["outputs"]["artifacts"]) == {"predictions"}


def test_artifacts_are_where_the_target_keeps_them():
    path = "/minio/mlpipeline/v2/artifacts/limbeck-digits/run/Predictor/2/predictions"
    assert translated().uris[path] == f"{RUN}/Predictor/2/predictions"
    assert f"{RUN}/Predictor/2/predictions" in translated("vertex").uris


def test_parameters_are_defaults_and_texts_where_need_be():
    assert translated().content["inputs"]["parameterValues"] == {
        "epochs": 3.0,
        "name": "a",
        "options": '{"b": [1]}',
    }


def test_a_given_value_is_taken_and_no_default():
    given = copy.deepcopy(GIVEN)
    given["inputs"]["parameterValues"]["epochs"] = 0.0
    content = understood(given, DEFINITIONS, "kubeflow").content
    assert content["inputs"]["parameterValues"]["epochs"] == 0.0


def test_a_fraction_is_no_whole_number():
    # KFP takes it for one, and TFX cuts it off.
    given = copy.deepcopy(GIVEN)
    given["inputs"]["parameterValues"]["epochs"] = 1.5
    with pytest.raises(ConfigError, match=r"parameter 'epochs' must be a whole number, received 1\.5"):
        understood(given, DEFINITIONS, "kubeflow")


def test_inputs_without_anything_are_fine():
    given = {"outputs": {"outputFile": "/a"}}
    assert understood(given, Definitions({}, {}), "kubeflow").content["inputs"]["parameterValues"] == {}


def test_folders_are_made_and_for_a_value_the_one_above_it(tmp_path):
    value = {"artifactType": {"instanceSchema": "title: tfx.Integer\ntype: object\n"}}
    definitions = Definitions(
        {"artifacts": {"examples": EXAMPLES}}, {"artifacts": {"model": PREDICTIONS, "count": value}}
    )
    (tmp_path / "file").touch()
    artifacts = [{"uri": f"{tmp_path}/empty"}, {"uri": f"{tmp_path}/file"}]
    given = {
        "inputs": {"artifacts": {"examples": {"artifacts": artifacts}}},
        "outputs": {
            "artifacts": {
                "model": {"artifacts": [{"uri": f"{tmp_path}/out/model"}]},
                "count": {"artifacts": [{"uri": f"{tmp_path}/values/count"}]},
            },
            "outputFile": f"{tmp_path}/out.json",
        },
    }
    make_folders(understood(given, definitions, "kubeflow"))

    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        *("empty", "file", "out", "out/model", "values")
    ]


class TestTypes:
    def test_a_title_is_found_in_both_spellings(self):
        assert (
            title_of({"artifactType": {"schemaTitle": "system.Metrics", "schemaVersion": "0.0.1"}})
            == "system.Metrics"
        )
        assert title_of(EXAMPLES) == "tfx.Examples"
        with pytest.raises(ValueError, match="must have a title"):
            title_of({"artifactType": {"instanceSchema": ""}})

    def test_every_type_of_ours_has_a_class(self):
        from limbeck.components.artifacts import types

        own = [one for one in vars(types).values() if isinstance(one, type) and hasattr(one, "TYPE_NAME")]
        assert len(own) >= 3
        for one in own:
            assert class_path(one.TYPE_NAME) == f"{one.__module__}.{one.__name__}"
        with pytest.raises(ValueError, match=r"limbeck\.Elsewhere"):
            class_path("limbeck.Elsewhere")


class TestExampleGen:
    def given(self, version: str) -> dict[str, Any]:
        found = dict.fromkeys(FOUND, "x") | {"span": 7.0, "version": version, "input_fingerprint": "sum"}
        return {
            "inputs": {
                "artifacts": {"data": {"artifacts": [{"uri": "/minio/data"}]}},
                "parameterValues": {**found, "output_config": "{}"},
            },
            "outputs": {"artifacts": {"examples": {"artifacts": [{"uri": "/minio/examples"}]}}},
        }

    def test_what_was_found_becomes_metadata_and_the_artifact_a_path(self):
        content = example_gen.driven(self.given("3"))

        assert content["inputs"]["artifacts"] == {}
        assert content["inputs"]["parameterValues"]["input_base"] == "/minio/data"
        [examples] = content["outputs"]["artifacts"]["examples"]["artifacts"]
        assert examples["metadata"] == {"span": 7.0, "version": 3, "input_fingerprint": "sum"}

    def test_a_version_that_is_missing_is_left_out(self):
        content = example_gen.driven(self.given(""))

        [examples] = content["outputs"]["artifacts"]["examples"]["artifacts"]
        assert examples["metadata"] == {"span": 7.0, "input_fingerprint": "sum"}
        assert "version" not in content["inputs"]["parameterValues"]

    def test_another_component_is_left_alone(self):
        assert example_gen.driven(translated().content) == translated().content


class TestOutputFile:
    def told(self, target: str, metadata: dict[str, Any]) -> dict[str, Any]:
        artifact = {"name": "predictions", "uri": "/minio/x", "type": {"instanceSchema": ""}, "metadata": metadata}
        output = {"artifacts": {"predictions": {"artifacts": [artifact]}}, "parameterValues": {"a": 1}}
        return output_file.told(output, translated(target), DEFINITIONS, target)

    def test_kfp_is_told_metadata_and_no_uri(self):
        told = self.told("kubeflow", {"rows": 3, "none": None})
        assert told == {
            "artifacts": {"predictions": {"artifacts": [{"metadata": {"rows": 3}}]}},
            "parameterValues": {"a": 1},
        }

    def test_vertex_is_told_name_and_uri(self):
        [artifact] = self.told("vertex", {})["artifacts"]["predictions"]["artifacts"]
        assert artifact == {"name": "predictions", "uri": "/minio/x", "metadata": {}}

    def test_the_id_of_an_input_is_its_name_again(self):
        from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as stock

        # What TFX's own code makes of the name "2", and JSON of that.
        ids: dict[int, str] = {}
        stock.kubeflow_v2_entrypoint_utils._get_hashed_id("2", ids)
        [number] = ids

        told = self.told("kubeflow", {"current_model_id": float(number), "count": 2.0})
        [artifact] = told["artifacts"]["predictions"]["artifacts"]
        assert artifact["metadata"] == {"current_model_id": "2", "count": 2.0}
