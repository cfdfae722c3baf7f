"""The last run of a metadata store, for tests that did not see its id."""

from pathlib import Path

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from limbeck.cli.local_run.store import Execution, executions_of


def last_run(metadata: Path, since: float) -> list[Execution]:
    """The executions of the last run that began at or after `since`, in seconds since the epoch."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata)
    runs = MetadataStore(config).get_contexts_by_type("pipeline_run")
    recent = [run for run in runs if run.create_time_since_epoch / 1000 >= since]
    return executions_of(metadata, max(recent, key=lambda run: run.id).name) if recent else []
