"""`run`: checks the settings and the data, runs the pipeline, and writes the report."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable

from limbeck import reference, temporary
from limbeck.cli import exit_codes, raw_data, settings, stopping, task_source
from limbeck.cli.local_run import attending
from limbeck.cli.local_run.attending import Runner, start_runner
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.engines.registry import engine_kind
from limbeck.errors import UserError
from limbeck.report.schema import Outcome
from limbeck.strategies.registry import strategy_kind


def execute(arguments: argparse.Namespace, start: Callable[[RunFolder], Runner] = start_runner) -> int:
    """Runs the pipeline to its end. Returns the exit code of the process.

    Args:
      arguments: arguments of the verb.
      start: starts the process that runs the pipeline, as in `attending.attend`.
    """
    ref = reference.find(arguments.task)
    config = settings.load(ref, arguments.config, arguments.assignments)
    request = Request(ref, config, accept_schema=arguments.accept_schema)
    return run(RunFolder(arguments.root.resolve()), request, start)


def run(folder: RunFolder, request: Request, start: Callable[[RunFolder], Runner] = start_runner) -> int:
    """Runs a request in a folder to its end. Returns the exit code of the process. `start` is as in `execute`."""
    task_source.assert_python(request.task)
    if request.config.launcher.name == "local":
        strategy_kind(request.config.strategy.name).check_machine(os.environ)
    if request.config.launcher.name == "ray":
        request.config.launcher.ray.check_machine(str(folder.root))
    engine_kind(request.config.beam.engine).check_machine(request.config.beam)
    request.config.scoring.check_machine()
    raw_data.check(request.config.data)
    raw_data.assert_apart(request.config.data, folder.root)
    task_source.assert_data(request.task, request.config.data.path)
    folder.check_name()
    with folder.alone():
        undo = folder.prepare(request)
        # Removes files of runs that were killed.
        folder.sweep()
        temporary.sweep()
        with stopping.signals_as_errors():
            code = attending.run_or_stop(folder, start)
            _assert_begun(folder, code, undo)
            return _conclude(folder, code)


def _assert_begun(folder: RunFolder, code: int, undo: Callable[[], None]) -> None:
    """Raises UserError for a mistake that was found before any node ran. Keeps the earlier report and request.

    Args:
      folder: the folder.
      code: exit code of the process that ran the pipeline.
      undo: restores the earlier request.
    """
    from limbeck.cli.local_run import collect

    if code == exit_codes.USER_MISTAKE and collect.run_id(folder.events) is None:
        # Even if the disk is full, the user must see the mistake.
        with contextlib.suppress(OSError):
            undo()
        raise UserError(f"{collect.failure(folder, code)}\nlog: {folder.log}")


def _conclude(folder: RunFolder, code: int) -> int:
    """Writes and shows the report. Returns the exit code for its outcome."""
    from limbeck.cli.local_run import collect, further_pages
    from limbeck.report import html, terminal

    report = collect.collect(folder, code)
    links = further_pages.write(folder, report.task)
    html.write(report, folder.report_json, folder.report_html, links)
    terminal.show(report, folder.report_html, folder.log, further_pages.tensorboard(folder))
    return _exit_code(report.outcome, code)


def _exit_code(outcome: Outcome, code: int) -> int:
    if outcome is Outcome.PUSHED:
        return exit_codes.DONE
    if outcome is Outcome.REFUSED:
        return exit_codes.REFUSED_BY_GATE
    if outcome is Outcome.STOPPED:
        return code
    return exit_codes.USER_MISTAKE if code == exit_codes.USER_MISTAKE else exit_codes.OUR_FAULT
