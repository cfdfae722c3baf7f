"""`rerun`: runs a node of the last run again, and all that follow it, whatever the cache holds."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable

from limbeck.cli import node_states, rerunning, run_verb
from limbeck.cli.collect import read_events
from limbeck.cli.run_folder import RunFolder


def execute(
    arguments: argparse.Namespace, start: Callable[[RunFolder], run_verb.Runner] = run_verb.start_runner
) -> int:
    """Runs the last request of the folder once more. Returns the exit code of the process.

    Args:
      arguments: arguments of the verb.
      start: as in `limbeck.cli.run_verb.execute`.

    Raises:
      ConfigError: if the folder holds no run, or if the last run had no such node.
    """
    folder = RunFolder(arguments.root.resolve())
    request = folder.request()
    states = node_states.read(read_events(folder.events))
    # A run that ended before its graph was made has no states. Then the new run itself looks for the node.
    if states:
        rerunning.assert_known(arguments.node, [state.node for state in states])
    # The schema was accepted once, with that run: not again.
    return run_verb.run(folder, dataclasses.replace(request, again=arguments.node, accept_schema=False), start)
