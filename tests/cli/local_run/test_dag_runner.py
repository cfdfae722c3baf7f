"""The local runner on tiny pipelines, and what the report reads of their ML Metadata store."""

import time
from pathlib import Path
from typing import Any

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from limbeck import events
from limbeck.cli.local_run.collect import read_events, run_id
from limbeck.cli.local_run.dag_runner import NodeSkippedError, ObservedDagRunner
from limbeck.cli.local_run.store import executions_of, moved_from
from limbeck.errors import DataError
from tests.cli import tiny
from tests.cli.stored import last_run


@pytest.fixture
def emitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    return path


def kinds(emitted: Path) -> list[tuple[Any, ...]]:
    return [
        (one["event"], one.get("node", one.get("nodes")), *([one["cached"]] if "cached" in one else []))
        for one in read_events(emitted)
    ]


def test_events_come_in_the_order_of_the_work_and_a_second_run_is_cached(tmp_path: Path, emitted: Path):
    for cached in (False, True):
        emitted.write_text("", encoding="utf-8")
        ObservedDagRunner().run(tiny.counting(tmp_path))

        assert kinds(emitted) == [
            ("pipeline", ["produce", "count"]),
            ("node_started", "produce"),
            ("node_finished", "produce", cached),
            ("node_started", "count"),
            ("node_finished", "count", cached),
        ]
        assert all(one["seconds"] > 0 for one in read_events(emitted) if one["event"] == "node_finished")

    assert [path.read_text() for path in (tmp_path / "pipeline" / "count").rglob("number/*/number")] == ["3"]


def test_another_parameter_runs_its_node_and_those_behind_it_again(tmp_path: Path, emitted: Path):
    ObservedDagRunner().run(tiny.counting(tmp_path))
    emitted.write_text("", encoding="utf-8")

    ObservedDagRunner().run(tiny.counting(tmp_path, text="one"))

    assert [one for one in kinds(emitted) if one[0] == "node_finished"] == [
        ("node_finished", "produce", False),
        ("node_finished", "count", False),
    ]


def test_what_an_executor_raises_ends_the_run_as_it_is(tmp_path: Path, emitted: Path):
    begin = time.time()
    with pytest.raises(DataError, match="nothing can be made of") as caught:
        ObservedDagRunner().run(tiny.refusing(tmp_path))

    assert type(caught.value) is DataError
    assert kinds(emitted)[-1] == ("node_started", "refuse")
    produced, refused = last_run(tmp_path / "metadata.sqlite", since=begin)
    assert (produced.node, produced.state, produced.succeeded) == ("produce", "COMPLETE", True)
    assert (refused.node, refused.state, refused.succeeded) == ("refuse", "FAILED", False)


def test_what_a_failed_node_had_half_done_is_not_taken_from_the_cache(tmp_path: Path):
    for _ in range(2):
        with pytest.raises(DataError):
            ObservedDagRunner().run(tiny.refusing(tmp_path))

    assert not list((tmp_path / "pipeline" / "refuse").rglob("half"))


def test_a_node_without_its_input_is_an_error(tmp_path: Path, emitted: Path):
    with pytest.raises(NodeSkippedError, match="latest did not run: its inputs could not be resolved"):
        ObservedDagRunner().run(tiny.unresolved(tmp_path))

    assert kinds(emitted) == [("pipeline", ["latest", "describe"]), ("node_started", "latest")]


def test_a_node_behind_a_condition_that_does_not_hold_is_an_error_too(tmp_path: Path, emitted: Path):
    with pytest.raises(NodeSkippedError, match="count did not run"):
        ObservedDagRunner().run(tiny.skipped(tmp_path))

    assert kinds(emitted)[-2:] == [("node_finished", "produce", False), ("node_started", "count")]


def test_the_store_tells_nodes_states_times_and_outputs_of_the_last_run(tmp_path: Path):
    begin = time.time()
    store = tmp_path / "metadata.sqlite"
    ObservedDagRunner().run(tiny.counting(tmp_path))
    [produced, counted] = last_run(store, since=begin)

    assert [(one.node, one.state) for one in (produced, counted)] == [
        ("produce", "COMPLETE"),
        ("count", "COMPLETE"),
    ]
    assert all(0 < one.seconds < 600 for one in (produced, counted))
    assert (Path(counted.outputs["number"].uri) / "number").read_text(encoding="utf-8") == "3"
    assert counted.outputs["number"].properties["pushed_destination"] == counted.outputs["number"].uri

    again = time.time()
    ObservedDagRunner().run(tiny.counting(tmp_path))
    cached = last_run(store, since=again)
    assert [(one.node, one.state) for one in cached] == [("produce", "CACHED"), ("count", "CACHED")]
    assert [one.outputs for one in cached] == [produced.outputs, counted.outputs]


def test_a_run_is_found_by_its_id_and_not_by_the_clock(tmp_path: Path, emitted: Path):
    # The store may be on a machine whose clock is an hour ahead: the run before was taken for the last one.
    ObservedDagRunner().run(tiny.counting(tmp_path))
    first = run_id(emitted)
    ObservedDagRunner().run(tiny.counting(tmp_path))
    store = tmp_path / "metadata.sqlite"

    assert [one.state for one in executions_of(store, first)] == ["COMPLETE", "COMPLETE"]
    assert [one.state for one in executions_of(store, run_id(emitted))] == ["CACHED", "CACHED"]
    assert executions_of(store, "no such run") == executions_of(store, None) == []
    assert executions_of(tmp_path / "no-such.sqlite", first) == []


def test_a_node_that_looks_outside_of_the_graph_never_comes_from_the_cache(tmp_path: Path, emitted: Path):
    # Data A, then B, then A again: the third were not compared with what B had made the accepted state.
    for _ in range(2):
        ObservedDagRunner(["count"]).run(tiny.counting(tmp_path))

    states = {one.node: one.state for one in executions_of(tmp_path / "metadata.sqlite", run_id(emitted))}
    assert states == {"produce": "CACHED", "count": "COMPLETE"}


def test_reading_the_store_does_not_change_it(tmp_path: Path, emitted: Path):
    ObservedDagRunner().run(tiny.counting(tmp_path))
    store = tmp_path / "metadata.sqlite"
    before = store.read_bytes()

    assert executions_of(store, run_id(emitted))
    assert store.read_bytes() == before


def test_a_folder_of_results_that_was_moved_is_known_by_where_they_were(tmp_path: Path, emitted: Path):
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    assert moved_from(before / "metadata.sqlite", before / "pipeline") is None
    ObservedDagRunner().run(tiny.counting(before))
    assert moved_from(before / "metadata.sqlite", before / "pipeline") is None

    before.rename(after)
    assert moved_from(after / "metadata.sqlite", after / "pipeline") == before / "pipeline"
    # An artifact that is a value has its file in the store, and not its folder: the last of a whole run is one.
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(after / "metadata.sqlite")
    store = MetadataStore(config)
    newest = max(store.get_artifacts(), key=lambda one: one.id)
    newest.uri += "/value"
    store.put_artifacts([newest])
    assert moved_from(after / "metadata.sqlite", after / "pipeline") == before / "pipeline"
    # Once everything has been computed again, there is nothing to tell.
    ObservedDagRunner().run(tiny.counting(after))
    assert moved_from(after / "metadata.sqlite", after / "pipeline") is None
