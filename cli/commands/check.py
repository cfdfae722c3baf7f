"""`check`: tries a task on a sample of its data, before a run takes an hour. Leaves nothing behind."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from limbeck import reference, temporary
from limbeck.cli import exit_codes, raw_data, settings, task_source
from limbeck.cli.checking import plan, words
from limbeck.cli.checking.outcome import FILE, Outcome
from limbeck.cli.local_run import attending, ended
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.records import from_json


def start_check(folder: RunFolder) -> attending.Runner:
    """Starts the process that runs the nodes of a check."""
    return attending.start_runner(folder, "limbeck.cli.checking.process")


def execute(arguments: argparse.Namespace, start: Callable[[RunFolder], attending.Runner] = start_check) -> int:
    """Checks a task. Returns the exit code of the process.

    Args:
      arguments: arguments of the verb.
      start: as in `attending.attend`.

    Raises:
      UserError: if it finds a mistake with which a run would end.
    """
    began = time.monotonic()
    ref = reference.find(arguments.task)
    task_source.assert_python(ref)
    config = settings.load(ref, arguments.config, arguments.assignments)
    raw_data.check(config.data)
    task_source.assert_data(ref, config.data.path)
    temporary.sweep()
    with temporary.folder() as place:
        folder = RunFolder(place.resolve())
        folder.prepare(Request(ref, plan.settings(config)))
        code = attending.attend(folder, start, silent=plan.SILENT)
        if code != exit_codes.DONE:
            return ended.badly(folder, code, "the process of the check")
        outcome = from_json(Outcome, (folder.root / FILE).read_text(encoding="utf-8"))
    for line in words.lines(outcome, config, time.monotonic() - began):
        print(line)
    return exit_codes.DONE
