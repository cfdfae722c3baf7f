"""What ML Metadata keeps of the execution of a node: all that is needed to run it once more."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.integration.one_run.relocation import Relocation


@dataclasses.dataclass(frozen=True)
class Record:
    """One execution.

    Attributes:
      number: its id.
      inputs: TFX artifacts by the name of the input.
      outputs: TFX artifacts by the name of the output.
      stored: `Value` messages of its properties by name, those of ML Metadata's own among them.
    """

    number: int
    inputs: Mapping[str, list[Any]]
    outputs: Mapping[str, list[Any]]
    stored: Mapping[str, Any]

    def properties(self, relocation: Relocation) -> dict[str, Any]:
        """The execution properties as an executor is handed them, with their paths moved."""
        from google.protobuf import json_format
        from tfx.orchestration import data_types_utils
        from tfx.orchestration.portable.mlmd import execution_lib
        from tfx.proto.orchestration import pipeline_pb2

        values = {}
        for name, value in execution_lib.remove_internal_keys(self.stored).items():
            values[name] = pipeline_pb2.Value(field_value=relocation.value(value))
            schema = self.stored.get(execution_lib.get_schema_key(name))
            if schema is not None:
                json_format.Parse(schema.string_value, values[name].schema)
        return dict(data_types_utils.build_parsed_value_dict(values))


def first_record(metadata: Path, node: str) -> Record:
    """Reads the first execution of a node from an SQLite file; a later one may have come from the cache."""
    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration.metadata import Metadata, sqlite_metadata_connection_config
    from tfx.orchestration.portable.mlmd import execution_lib

    connection = sqlite_metadata_connection_config(str(metadata))
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    with Metadata(connection) as handle:
        nodes = {one.name.rpartition(".")[2]: one.id for one in handle.store.get_contexts_by_type("node")}
        execution = min(handle.store.get_executions_by_context(nodes[node]), key=lambda one: one.id)
        assert execution.last_known_state == metadata_store_pb2.Execution.COMPLETE
        return Record(
            execution.id,
            execution_lib.get_input_artifacts(handle, execution.id),
            execution_lib.get_output_artifacts(handle, execution.id),
            dict(execution.custom_properties),
        )
