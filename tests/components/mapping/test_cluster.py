"""What connects to a cluster, whatever its kind is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from limbeck.cli.local_run import runner
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.components.mapping import worker
from limbeck.components.mapping.cluster import Needs, connected
from limbeck.errors import UserError
from limbeck.settings.config import Config
from tests.components.bulk_scoring.model import write_task
from tests.components.mapping import here


def test_results_come_in_the_order_of_the_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ref = write_task(tmp_path)
    with connected(here.register(monkeypatch), Needs(ref, str(tmp_path), ())) as cluster:
        assert cluster.map(str.upper, ["c", "a", "b"]) == ["C", "A", "B"]
        assert cluster.map(str.upper, []) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_run_looks_at_its_cluster_before_it_computes_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, ref = RunFolder(tmp_path / "root"), write_task(tmp_path)
    runner.look_at_cluster(folder, Request(ref, Config()))
    assert not folder.root.exists()
    request = Request(ref, dataclasses.replace(Config(), scoring=here.register(monkeypatch)))
    runner.look_at_cluster(folder, request)
    assert list(folder.artifacts.iterdir()) == []
    monkeypatch.setattr(worker, "differences", lambda job, own: ["tensorflow 2.99 (the pipeline: 2.16.2)"])
    with pytest.raises(UserError, match=r"the worker on .* has tensorflow 2\.99 \(the pipeline: 2\.16\.2\)"):
        runner.look_at_cluster(folder, request)
