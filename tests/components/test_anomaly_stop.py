"""AnomalyStop on what TensorFlow Data Validation and stock ExampleValidator find in real data."""

from pathlib import Path

import pandas
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.example_validator.executor import Executor as ExampleValidator
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

from components.anomaly_stop.executor import Executor
from components.parameters import CodeRef, code_properties
from tests.components import rehearsal
from trainer.errors import DataError
from trainer.task import TaskRef

GOOD = pandas.DataFrame(
    {
        "size": [0.5, 1.5, 2.5, 3.5] * 5,
        "colour": ["red", "green", "blue", "red"] * 5,
        "kind": ["round", "square", "long", "round"] * 5,
    }
)
PROPERTIES = code_properties(CodeRef(TaskRef("tests.components.shapes"), "digest"))


def schema_of(data: pandas.DataFrame) -> schema_pb2.Schema:
    return tfdv.infer_schema(tfdv.generate_statistics_from_dataframe(data))


def validated(folder: Path, schema: schema_pb2.Schema, **splits: pandas.DataFrame) -> dict[str, Artifact]:
    """The inputs of AnomalyStop, made by the stock executor of ExampleValidator."""
    statistics = rehearsal.artifact(standard_artifacts.ExampleStatistics, folder / "statistics")
    statistics.split_names = artifact_utils.encode_split_names(list(splits))
    for split, data in splits.items():
        computed = tfdv.generate_statistics_from_dataframe(data)
        path = folder / "statistics" / f"Split-{split}" / "FeatureStats.pb"
        path.parent.mkdir()
        path.write_bytes(computed.SerializeToString())
    written = rehearsal.artifact(standard_artifacts.Schema, folder / "schema")
    tfdv.write_schema_text(schema, str(folder / "schema" / "schema.pbtxt"))
    anomalies = rehearsal.artifact(standard_artifacts.ExampleAnomalies, folder / "anomalies")
    inputs = {"statistics": statistics, "schema": written}
    properties = {"exclude_splits": "[]"}
    rehearsal.run(ExampleValidator, inputs, {"anomalies": anomalies}, properties, folder / "scratch")
    anomalies.split_names = statistics.split_names
    return {"anomalies": anomalies, "schema": written}


def stop(inputs: dict[str, Artifact], scratch: Path) -> str:
    """Runs AnomalyStop; returns what it complains of."""
    with pytest.raises(DataError) as caught:
        rehearsal.run(Executor, inputs, {}, PROPERTIES, scratch)
    return str(caught.value)


def test_data_as_they_should_be_pass(tmp_path: Path):
    inputs = validated(tmp_path, schema_of(GOOD), train=GOOD, test=GOOD)

    rehearsal.run(Executor, inputs, {}, PROPERTIES, tmp_path)


def test_an_unexpected_value_is_told_with_split_feature_and_value(tmp_path: Path):
    bad = GOOD.assign(colour=["mauve", *GOOD["colour"].tolist()[1:]])

    message = stop(validated(tmp_path, schema_of(GOOD), train=GOOD, test=bad), tmp_path)

    assert "split 'test', feature 'colour': Unexpected string values" in message
    assert "mauve" in message
    assert "split 'train'" not in message
    assert message.endswith("correct the data and run again")


def test_a_missing_column_is_told(tmp_path: Path):
    message = stop(validated(tmp_path, schema_of(GOOD), train=GOOD.drop(columns="size"), test=GOOD), tmp_path)

    assert "split 'train', feature 'size': Column dropped" in message
    assert "feature 'colour'" not in message


def test_every_anomaly_of_every_split_is_told_at_once(tmp_path: Path):
    first = GOOD.drop(columns="size")
    second = GOOD.assign(kind="triangular", colour=1)

    message = stop(validated(tmp_path, schema_of(GOOD), train=first, test=second), tmp_path)

    listed = [line.split(":")[0].strip(" -") for line in message.splitlines() if line.startswith("  - ")]
    assert listed == [
        "split 'train', feature 'size'",
        "split 'test', feature 'colour'",
        "split 'test', feature 'kind'",
    ]


def test_a_feature_that_the_task_declares_and_the_data_lack_is_told_though_no_anomaly_was_found(tmp_path: Path):
    data = GOOD.rename(columns={"colour": "color"})

    message = stop(validated(tmp_path, schema_of(data), train=data), tmp_path)

    assert "feature 'colour': declared by the task, but not in the data. Did you mean 'color'?" in message
    assert "split" not in message
