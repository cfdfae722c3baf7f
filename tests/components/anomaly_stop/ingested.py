"""What stands before AnomalyStop: statistics, schema and anomalies, made by TFDV and TFX from small data."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.example_validator.executor import Executor as ExampleValidator
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.anomaly_stop.accepted import Span
from limbeck.components.anomaly_stop.executor import Executor
from limbeck.components.properties.code import CodeRef, code_properties
from limbeck.components.properties.sections import Section
from limbeck.reference import TaskRef
from limbeck.settings.drift import DriftConfig
from tests.components import rehearsal

COLOURS = ("red", "green", "blue")


def sample(seed: int, rows: int = 400, middle: float = 0.0) -> pandas.DataFrame:
    """Data of the task in `shapes.py`: `size` is normal around `middle`."""
    random = np.random.default_rng(seed)
    return pandas.DataFrame(
        {
            "size": random.normal(middle, 1.0, rows),
            "colour": random.choice(COLOURS, rows, p=[0.5, 0.3, 0.2]),
            "kind": random.choice(["round", "square", "long"], rows),
        }
    )


def schema_of(*data: pandas.DataFrame) -> schema_pb2.Schema:
    """What SchemaGen infers from these splits together."""
    schema = tfdv.infer_schema(tfdv.generate_statistics_from_dataframe(data[0]), infer_feature_shape=True)
    for other in data[1:]:
        schema = tfdv.update_schema(schema, tfdv.generate_statistics_from_dataframe(other))
    return schema


def span(**splits: pandas.DataFrame) -> Span:
    """Schema and statistics of data."""
    statistics = {name: tfdv.generate_statistics_from_dataframe(data) for name, data in splits.items()}
    return Span(schema_of(*splits.values()), statistics)


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
    examples = rehearsal.artifact(standard_artifacts.Examples, folder / "examples")
    return {"statistics": statistics, "anomalies": anomalies, "schema": written, "examples": examples}


def properties(accepted: Path, generation: int = 0, limits: DriftConfig | None = None) -> dict[str, Any]:
    """The execution properties of AnomalyStop, for the task in `shapes.py`."""
    code = code_properties(CodeRef(TaskRef("tests.components.shapes"), "digest"))
    section = Section(DriftConfig).encode(limits or DriftConfig())
    return {**code, **section, "accepted": str(accepted), "generation": generation}


class Root:
    """A run folder, whose runs end behind AnomalyStop."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.accepted = folder, folder / "accepted"
        self._runs = 0

    def run(self, generation: int = 0, limits: DriftConfig | None = None, **splits: pandas.DataFrame) -> None:
        """Runs AnomalyStop on data and the schema inferred from them."""
        self._runs += 1
        folder = self.folder / str(self._runs)
        inputs = validated(folder, schema_of(*splits.values()), **splits)
        rehearsal.run(Executor, inputs, {}, properties(self.accepted, generation, limits), folder / "run")

    def state(self) -> dict[str, bytes]:
        """Every file of what is accepted, and its content."""
        return {
            str(path.relative_to(self.accepted)): path.read_bytes()
            for path in sorted(self.accepted.rglob("*"))
            if path.is_file()
        }
