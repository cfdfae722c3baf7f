"""Reads a run of a pipeline from its ML Metadata store."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import urllib.parse
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Output:
    """The first artifact of an output: its URI, and its custom properties that are texts."""

    uri: str
    properties: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Execution:
    """One execution of a node.

    Attributes:
      node: the node's id.
      state: `COMPLETE`, `CACHED`, `FAILED`, `RUNNING` ...
      seconds: time from its registration to its last change.
      outputs: its outputs by name.
      read: URIs of all input artifacts.
      written: URIs of all output artifacts.
    """

    node: str
    state: str
    seconds: float
    outputs: dict[str, Output]
    read: tuple[str, ...]
    written: tuple[str, ...]

    @property
    def succeeded(self) -> bool:
        """Whether its outputs may be used."""
        return self.state in ("COMPLETE", "CACHED")


def executions_of(metadata: Path, run: str | None) -> list[Execution]:
    """Returns the executions of a run, in order; empty if there is no such run.

    Args:
      metadata: the SQLite file.
      run: the run's id, as `limbeck.cli.local_run.dag_runner` emits it.
    """
    store = None if run is None else _opened(metadata)
    if store is None:
        return []
    context = store.get_context_by_type_and_name("pipeline_run", run)
    if context is None:
        return []
    executions = sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id)
    return [_execution(store, one) for one in executions]


def moved_from(metadata: Path, artifacts: Path) -> Path | None:
    """Returns the folder that held all artifacts before, if it is not `artifacts`; otherwise None.

    Args:
      metadata: the SQLite file. The newest artifact's path tells the folder.
      artifacts: the folder of all artifacts. Each artifact has its own folder in it: `<node>/<output>/<number>`. The
        folder of a value contains the file `value`.
    """
    store = _opened(metadata)
    if store is None:
        return None
    from ml_metadata import ListOptions, OrderByField

    newest = store.get_artifacts(ListOptions(limit=1, order_by=OrderByField.ID, is_asc=False))
    before = [_all_artifacts(artifact.uri) for artifact in newest]
    return before[0] if before and before[0] != artifacts else None


def _all_artifacts(place: str) -> Path:
    """Returns the folder of all artifacts that a local one is in."""
    path = Path(place)
    own = next(one for one in (path, *path.parents) if one.name.isdigit())
    return own.parents[2]


def _opened(metadata: Path) -> Any:
    """Returns the store for reading; None if no run has written anything."""
    if not (metadata.exists() and _holds_something(metadata)):
        return None
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    return MetadataStore(config)


def _holds_something(metadata: Path) -> bool:
    """Returns whether a file has the tables of ML Metadata. Rolls back a transaction of a killed run.

    SQLite rolls back by itself if a connection may write. ML Metadata's connection may only read, so it would fail.
    """
    place = f"file:{urllib.parse.quote(str(metadata))}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(place, uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'MLMDEnv'").fetchone()
    except sqlite3.Error:
        # ML Metadata will report what is wrong with the file.
        return True
    return found is not None


def _execution(store: Any, execution: Any) -> Execution:
    from ml_metadata.proto import metadata_store_pb2

    node = next(c.name for c in store.get_contexts_by_execution(execution.id) if c.type == "node")
    events = store.get_events_by_execution_ids([execution.id])
    outputs = {e.path.steps[0].key: e.artifact_id for e in events if e.type == metadata_store_pb2.Event.OUTPUT}
    artifacts = {a.id: a for a in store.get_artifacts_by_id([e.artifact_id for e in events])}

    def uris(direction: int) -> tuple[str, ...]:
        return tuple(sorted({artifacts[e.artifact_id].uri for e in events if e.type == direction}))

    return Execution(
        node=node.rpartition(".")[2],
        state=metadata_store_pb2.Execution.State.Name(execution.last_known_state),
        seconds=(execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
        outputs={key: _output(artifacts[number]) for key, number in outputs.items()},
        read=uris(metadata_store_pb2.Event.INPUT),
        written=uris(metadata_store_pb2.Event.OUTPUT),
    )


def _output(artifact: Any) -> Output:
    texts = {key: value.string_value for key, value in artifact.custom_properties.items()}
    return Output(artifact.uri, {key: text for key, text in texts.items() if text})
