"""`logs` on what a run left, whatever became of the run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from limbeck.cli.local_run import node_states, run_log
from limbeck.cli.local_run.node_states import NodeState
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.reference import TaskRef
from limbeck.settings.config import Config
from tests.cli import program

GRAPH = {"event": "pipeline", "run": "1", "nodes": ["A", "B", "C"]}
A_DONE = [
    {"event": "node_started", "node": "A"},
    {"event": "node_finished", "node": "A", "cached": False, "seconds": 1.25},
]
B_BEGUN = {"event": "node_started", "node": "B"}
FAILED = {"event": "failed", "user": True, "message": "no"}


def marked(*nodes: str) -> str:
    """What a process prints that marks some nodes, with a line of its own after each."""
    code = f"""
from limbeck.cli.local_run import run_log
for node in {nodes}:
    run_log.mark(node)
    print('I am', node)
"""
    return subprocess.run(
        [sys.executable, "-c", f"print('before', end=''){code}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        cwd=program.PROJECT,
    ).stdout


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run whose second node failed."""
    made = RunFolder(tmp_path)
    made.prepare(Request(TaskRef("limbeck.tasks.digits"), Config()))
    write_events(made, GRAPH, *A_DONE, B_BEGUN, FAILED)
    made.log.write_text(marked("A", "B"), encoding="utf-8")
    return made


def write_events(folder: RunFolder, *events: dict[str, Any]) -> None:
    folder.events.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")


@pytest.mark.parametrize(
    ("events", "ended"),
    [
        ([GRAPH], ["not reached"] * 3),
        ([GRAPH, *A_DONE, B_BEGUN], ["1.2 s", "not finished", "not reached"]),
        ([GRAPH, *A_DONE, B_BEGUN, FAILED], ["1.2 s", "failed", "not reached"]),
        ([GRAPH, A_DONE[0], {**A_DONE[1], "cached": True}], ["cached", "not reached", "not reached"]),
    ],
)
def test_what_became_of_each_node(events: list[dict[str, Any]], ended: list[str]):
    assert node_states.read(events) == tuple(map(NodeState, "ABC", ended))


def test_a_run_without_a_graph_has_no_nodes():
    assert node_states.read([FAILED]) == ()


def test_lines_belong_to_the_mark_before_them_even_if_the_line_before_had_no_end():
    log = marked("A", "B", "A").splitlines(keepends=True)

    assert [line.strip() for line in run_log.lines_of(log, "A") if line.strip()] == ["I am A", "I am A"]
    assert [line.strip() for line in run_log.lines_of(log, "B") if line.strip()] == ["I am B"]
    assert list(run_log.lines_of(log, "before")) == []
    assert set(run_log.counts(log)) == {"A", "B"}


def test_the_lines_of_a_node_are_printed_and_no_others(folder: RunFolder):
    done = program.run("logs", "B", "--root", folder.root)

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "I am B", "B: failed\n")


def test_the_list_names_the_files_that_exist_and_the_node_to_look_at(folder: RunFolder):
    done = program.run("logs", "--root", folder.root)

    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert [row[0] for row in rows] == ["logs/run.log", "logs/events.jsonl", "request.json", "A", "B", "C"]
    assert done.stdout.endswith(f"python pipeline.py logs B --root {folder.root}\n")


def test_a_run_that_ended_before_its_graph_says_where_to_look(folder: RunFolder):
    write_events(folder, FAILED)

    assert "before its first node: logs/run.log says why" in program.run("logs", "--root", folder.root).stdout


def test_a_reader_that_has_seen_enough_is_no_error(folder: RunFolder):
    with folder.log.open("a", encoding="utf-8") as log:
        log.writelines(f"{number} of many\n" for number in range(100_000))
    command = [sys.executable, str(program.PIPELINE), "logs", "B", "--root", str(folder.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0
