"""`rerun`: runs a node of the last run again, and all nodes that follow it, regardless of the cache."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable

from limbeck.cli.commands.run import run
from limbeck.cli.local_run import attending, node_states, rerunning
from limbeck.cli.local_run.collect import read_events
from limbeck.cli.local_run.run_folder import RunFolder


def execute(
    arguments: argparse.Namespace, start: Callable[[RunFolder], attending.Runner] = attending.start_runner
) -> int:
    """Runs the last request of the folder once more. Returns the exit code of the process.

    Args:
      arguments: arguments of the verb.
      start: as in `attending.attend`.

    Raises:
      ConfigError: if the folder holds no run, or if the last run had no such node.
    """
    folder = RunFolder(arguments.root.resolve())
    request = folder.request()
    states = node_states.read(read_events(folder.events))
    # If a run ended before its graph was made, there are no states. Then the new run itself checks the node.
    if states:
        rerunning.assert_known(arguments.node, [state.node for state in states])
    # That run has already accepted the schema, so this run must not accept another one.
    return run(folder, dataclasses.replace(request, again=arguments.node, accept_schema=False), start)
