"""Starts the process that runs a pipeline, shows its progress, and ends it on a signal.

The process runs TFX, and starts others. Some of them ignore signals, or outlive their parents. So the process has its
own session, and the whole session is ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from typing import Protocol

from limbeck import events
from limbeck.cli import guardian, stopping
from limbeck.cli.local_run.run_folder import RunFolder
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


def start_runner(folder: RunFolder, module: str = "limbeck.cli.local_run.runner") -> Runner:
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


def attend(folder: RunFolder, start: Callable[[RunFolder], Runner], silent: Collection[str]) -> int:
    """Starts a process for a prepared folder, shows its progress, and ends it on a signal. Returns its exit code.

    Args:
      folder: the folder.
      start: starts the process, in its own session, with the variables of `environment` and with its output in the log.
      silent: nodes whose notes are not shown.
    """
    with stopping.signals_as_errors():
        return run_or_stop(folder, start, silent)


def run_or_stop(
    folder: RunFolder, start: Callable[[RunFolder], Runner], silent: Collection[str] = frozenset()
) -> int:
    """Does what `attend` does, in a context of `stopping.signals_as_errors`. Afterwards signals are ignored in it."""
    try:
        code = _run(folder, start, silent)
        # Inside the `try`: a signal between the two lines would end in a traceback.
        stopping.ignore_signals()
    except stopping.StoppedError as stop:
        return stop.code
    return code


def _run(folder: RunFolder, start: Callable[[RunFolder], Runner], silent: Collection[str]) -> int:
    from limbeck.cli.local_run.progress import RunProgress

    runner = start(folder)
    with guardian.guarding(runner.pid):
        try:
            with RunProgress(folder.events, silent=silent) as progress:
                while (code := _wait(runner)) is None:
                    progress.update()
                progress.update()
            return code
        finally:
            # Even if the first signal comes at the end of a run, processes that outlived the runner must end.
            with stopping.postponed():
                _end(runner)


def _wait(runner: Runner) -> int | None:
    try:
        return runner.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _end(runner: Runner) -> None:
    """Ends the whole session of the runner, including processes that outlived it."""
    guardian.end_session(runner.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        runner.wait(_GRACE_SECONDS)
    guardian.kill_session(runner.pid)
    runner.wait()
