"""Runs AnomalyStop: raises on the first look at bad data, with every anomaly named."""

from __future__ import annotations

from typing import Any

from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.anomaly_stop.declared import missing_from_schema
from components.artifacts import Artifacts
from components.parameters import task_of
from trainer.errors import DataError


class Executor(base_executor.BaseExecutor):
    """Anomalies and schema -> nothing, or an error."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          DataError: where ExampleValidator found anomalies, or the data lack what the task declares.
        """
        from tensorflow_metadata.proto.v0 import schema_pb2

        schema_file = io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(input_dict["schema"]))
        schema = io_utils.parse_pbtxt_file(schema_file, schema_pb2.Schema())
        found = [
            *missing_from_schema(task_of(exec_properties).load(), schema),
            *_anomalies(artifact_utils.get_single_instance(input_dict["anomalies"])),
        ]
        if found:
            listing = "\n".join(f"  - {one}" for one in found)
            raise DataError(f"the data are not what they should be:\n{listing}\ncorrect the data and run again")


def _anomalies(artifact: Any) -> list[str]:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    found = []
    for split in artifact_utils.decode_split_names(artifact.split_names):
        uri = artifact_utils.get_split_uris([artifact], split)[0]
        anomalies = anomalies_pb2.Anomalies.FromString(io_utils.read_bytes_file(f"{uri}/{DEFAULT_FILE_NAME}"))
        found += [
            f"split '{split}', feature '{name}': {info.short_description}: {info.description}"
            for name, info in sorted(anomalies.anomaly_info.items())
        ]
    return found
