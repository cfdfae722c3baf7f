"""`run`: starts the process that runs the pipeline, shows its progress, ends it on a signal, and writes the report."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from typing import Protocol

from limbeck import events, reference, temporary
from limbeck.cli import exit_codes, guardian, raw_data, settings, stopping, task_source
from limbeck.cli.run_folder import Request, RunFolder
from limbeck.engines.registry import engine_kind
from limbeck.errors import UserError
from limbeck.report.schema import Outcome
from limbeck.strategies.registry import strategy_kind
from limbeck.trainer.process import gpus, interpreter, lifeline

_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.2


class Runner(Protocol):
    """The process that runs the pipeline: a child of this one."""

    @property
    def pid(self) -> int:
        """Its process id, which is also its session's id."""

    def wait(self, timeout: float | None = None) -> int:
        """Returns its exit code. Raises subprocess.TimeoutExpired if it is still alive after `timeout` seconds."""


def start_runner(folder: RunFolder, module: str = "limbeck.cli.runner") -> Runner:
    """Starts `python -m <module>` in its own session, so that one signal ends it and all that it started."""
    with folder.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, str(folder.root)],
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def environment(folder: RunFolder) -> dict[str, str]:
    """Returns the variables of the process that runs the pipeline, a child of this one. That process takes no GPU."""
    own = {events.ENVIRONMENT: str(folder.events), lifeline.ENVIRONMENT: str(os.getpid())}
    return interpreter.environment(gpus.hidden(os.environ)) | own


def execute(arguments: argparse.Namespace, start: Callable[[RunFolder], Runner] = start_runner) -> int:
    """Runs the pipeline to its end. Returns the exit code of the process.

    Args:
      arguments: arguments of the verb.
      start: starts the process that runs the pipeline, in its own session, with the variables of `environment` and with
        its output in the log.
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
    task_source.assert_data(request.task, request.config.data.path)
    folder.check_name()
    with folder.alone():
        undo = folder.prepare(request)
        # Of runs that were killed.
        folder.sweep()
        temporary.sweep()
        with stopping.signals_as_errors():
            code = _run_or_stop(folder, start)
            _assert_begun(folder, code, undo)
            return _conclude(folder, code)


def attend(folder: RunFolder, start: Callable[[RunFolder], Runner], silent: Collection[str]) -> int:
    """Starts a process for a prepared folder, shows its progress, and ends it on a signal. Returns its exit code.

    Args:
      folder: the folder.
      start: as in `execute`.
      silent: nodes whose notes are not shown.
    """
    with stopping.signals_as_errors():
        return _run_or_stop(folder, start, silent)


def _run_or_stop(
    folder: RunFolder, start: Callable[[RunFolder], Runner], silent: Collection[str] = frozenset()
) -> int:
    try:
        code = _run(folder, start, silent)
        # Within: a signal between the two lines would end in a traceback.
        stopping.ignore_signals()
    except stopping.StoppedError as stop:
        return stop.code
    return code


def _run(folder: RunFolder, start: Callable[[RunFolder], Runner], silent: Collection[str]) -> int:
    from limbeck.cli.progress import RunProgress

    runner = start(folder)
    with guardian.guarding(runner.pid):
        try:
            with RunProgress(folder.events, silent=silent) as progress:
                while (code := _wait(runner)) is None:
                    progress.update()
                progress.update()
            return code
        finally:
            # A first signal at the end of a run must not spare what outlived its runner.
            with stopping.postponed():
                _end(runner)


def _wait(runner: Runner) -> int | None:
    try:
        return runner.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _end(runner: Runner) -> None:
    """Ends the whole session of the runner, also processes that outlived the runner."""
    guardian.end_session(runner.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        runner.wait(_GRACE_SECONDS)
    while guardian.members(runner.pid):
        guardian.end_session(runner.pid, signal.SIGKILL)
    runner.wait()


def _assert_begun(folder: RunFolder, code: int, undo: Callable[[], None]) -> None:
    """Raises UserError for a mistake that was found before any node ran. Report and request stay those of before.

    Args:
      folder: the folder.
      code: exit code of the process that ran the pipeline.
      undo: puts the request of before back.
    """
    from limbeck.cli import collect

    if code == exit_codes.USER_MISTAKE and collect.run_id(folder.events) is None:
        # On a full disk, too, it is the mistake that the user must hear.
        with contextlib.suppress(OSError):
            undo()
        raise UserError(f"{collect.failure(folder, code)}\nlog: {folder.log}")


def _conclude(folder: RunFolder, code: int) -> int:
    """Writes and shows the report. Returns the exit code for its outcome."""
    from limbeck.cli import collect, further_pages
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
