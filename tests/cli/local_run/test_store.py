"""A store in which a run was killed while it wrote: its report and all later runs must be able to read it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from limbeck.cli.local_run import store

# A transaction that is larger than the memory for it is in the file before it ends.
_KILLED = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size=1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE Half (value TEXT)")
connection.executemany("INSERT INTO Half VALUES (?)", [("x" * 1000,)] * 200)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_while_writing(metadata: Path) -> None:
    assert subprocess.run([sys.executable, "-c", _KILLED, metadata], check=False).returncode == -signal.SIGKILL
    assert metadata.with_name(f"{metadata.name}-journal").stat().st_size > 0


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    """A store with a run and an artifact."""
    path = tmp_path / "with space" / "metadata.sqlite"
    path.parent.mkdir()
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    made = MetadataStore(config)
    run = made.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
    made.put_contexts([metadata_store_pb2.Context(type_id=run, name="run")])
    kind = made.put_artifact_type(metadata_store_pb2.ArtifactType(name="Model"))
    uri = f"{tmp_path}/elsewhere/Distiller/model/7"
    made.put_artifacts([metadata_store_pb2.Artifact(type_id=kind, uri=uri)])
    return path


def test_a_run_that_was_killed_in_a_transaction_can_be_read(metadata: Path):
    """The report ended in a traceback, and so did every later run: "attempt to write a readonly database"."""
    killed_while_writing(metadata)
    assert store.executions_of(metadata, "run") == []
    killed_while_writing(metadata)
    assert store.moved_from(metadata, metadata.parent) == metadata.parents[1] / "elsewhere"


def test_a_store_that_a_killed_run_had_just_begun_holds_nothing(tmp_path: Path):
    metadata = tmp_path / "metadata.sqlite"
    metadata.touch()
    assert (store.executions_of(metadata, "run"), store.moved_from(metadata, tmp_path)) == ([], None)
    killed_while_writing(metadata)
    assert (store.executions_of(metadata, "run"), store.moved_from(metadata, tmp_path)) == ([], None)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path):
    metadata = tmp_path / "metadata.sqlite"
    assert (store.executions_of(metadata, "run"), store.moved_from(metadata, tmp_path)) == ([], None)
    assert not metadata.exists()
