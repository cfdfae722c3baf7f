"""`logs`: prints what a node of the last run wrote; without a node, lists the nodes and the files of the run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from limbeck.cli import exit_codes
from limbeck.cli.local_run import node_states, rerunning, run_log
from limbeck.cli.local_run.collect import read_events
from limbeck.cli.local_run.node_states import NodeState
from limbeck.cli.local_run.run_folder import RunFolder


def execute(arguments: argparse.Namespace) -> int:
    """Prints lines of the log, or the list. Raises ConfigError if the folder is no run, or has no such node."""
    folder = RunFolder(arguments.root.resolve())
    folder.request()
    states = node_states.read(read_events(folder.events))
    try:
        if arguments.node is None:
            _list(folder, states)
        else:
            _show(folder, arguments.node, states)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has ended. Without this, Python would complain when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_codes.DONE


def _show(folder: RunFolder, node: str, states: tuple[NodeState, ...]) -> None:
    rerunning.assert_known(node, [state.node for state in states])
    ended = next(state.ended for state in states if state.node == node)
    for line in run_log.lines_of(_log(folder), node):
        print(line, end="")
    print(f"{node}: {ended}", file=sys.stderr)


def _list(folder: RunFolder, states: tuple[NodeState, ...]) -> None:
    print(f"files in {folder.root}")
    for path, meaning in _files(folder):
        if path.exists():
            name = f"{path.relative_to(folder.root)}{'/' if path.is_dir() else ''}"
            print(f"  {name:20} {meaning}")
    if not states:
        print("\nthe last run ended before its first node: logs/run.log says why")
        return
    lines = run_log.counts(_log(folder))
    print("\nnodes of the last run")
    for state in states:
        written = f"{lines[state.node]:7,} lines" if lines[state.node] else ""
        print(f"  {state.node:20} {state.ended:>12} {written}".rstrip())
    print(f"\nto see the lines of a node: python pipeline.py logs {_telling(states)} --root {folder.root}")


def _telling(states: tuple[NodeState, ...]) -> str:
    """Returns the node that a person most likely wants to read."""
    unlucky = [state.node for state in states if state.ended in ("failed", "not finished")]
    return unlucky[0] if unlucky else states[-1].node


def _log(folder: RunFolder) -> Iterator[str]:
    with folder.log.open(encoding="utf-8", errors="replace") as log:
        yield from log


def _files(folder: RunFolder) -> tuple[tuple[Path, str], ...]:
    return (
        (folder.report_html, "the result, for people"),
        (folder.report_json, "the result, for programs"),
        (folder.log, "the output of TensorFlow, Beam and TFX in the last run"),
        (folder.events, "what the last run did and when, as JSON lines"),
        (folder.request_file, "the task and all settings of the last run"),
        (folder.serving, "students that passed the gate, a folder for each version"),
        (folder.artifacts, "TFX's artifacts, a folder for each node"),
        (folder.metadata, "TFX's ML Metadata: which execution made which artifact"),
        (folder.accepted, "accepted schema and statistics, which later data are compared with"),
        (folder.looks, "which students were judged on which test split"),
        (folder.checkpoints, "checkpoints of trainings that have not ended"),
        (folder.data, "data that the task wrote itself"),
    )
