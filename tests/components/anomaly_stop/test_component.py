"""A mistake in the task's schema is told when the graph is made: no node runs before."""

import dataclasses
from pathlib import Path

import pytest

from limbeck import pipeline
from limbeck.cli import settings
from limbeck.components.graph.context import Storage
from limbeck.errors import TaskError
from limbeck.reference import TaskRef, find

pytestmark = pytest.mark.pipeline


def test_a_schema_that_cannot_be_read_makes_no_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ref = find("digits")
    task = dataclasses.replace(ref.load(), schema=tmp_path / "schema.pbtxt")
    monkeypatch.setattr(TaskRef, "load", lambda _: task)
    storage = Storage(*(str(tmp_path / name) for name in ("root", "serving", "data", "accepted")))

    with pytest.raises(TaskError, match=r"must be a file, but there is none at .*schema\.pbtxt"):
        pipeline.create_pipeline(settings.load(ref, None, []), ref, storage, beam_flags=[])
