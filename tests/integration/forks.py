"""Forks that become programs: `python -m MODULE ARGUMENTS`, but with the packages that this process has imported."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

_LOOK_SECONDS = 0.02


@dataclasses.dataclass(frozen=True)
class Program:
    """What a fork becomes.

    Attributes:
      module: run as `__main__`.
      arguments: of the program.
      folder: its working directory.
      output: file that both of its streams are appended to.
    """

    module: str
    arguments: list[str]
    folder: str
    output: str


@dataclasses.dataclass
class Fork:
    """A child of this process, with what `limbeck.cli.commands.run` asks of a `subprocess.Popen`."""

    pid: int
    returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Returns its exit code. Raises subprocess.TimeoutExpired where it lives for `timeout` seconds more."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            found, status = os.waitpid(self.pid, 0 if end is None else os.WNOHANG)
            if found:
                self.returncode = os.waitstatus_to_exitcode(status)
            elif end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout or 0)
            else:
                time.sleep(_LOOK_SECONDS)
        return self.returncode


def start(program: Program, variables: Mapping[str, str] | None = None, new_session: bool = False) -> Fork:
    """Forks this process, which must have no thread of Python's but one; the fork becomes a program.

    Like a program that was just started, it has no file of its parent's but its output, and none of its signal
    handlers.

    Args:
      program: what it becomes.
      variables: its environment; by default that of this process.
      new_session: whether it leads a session of its own.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return Fork(child)
    code = 1
    try:
        _forget_the_parent(program)
        if new_session:
            os.setsid()
        if variables is not None:
            os.environ.clear()
            os.environ.update(variables)
        code = _main(program)
        atexit._run_exitfuncs()
    except BaseException:
        # Nothing of this may reach the frames of the parent, whose copies stand below.
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _forget_the_parent(program: Program) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(program.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 1)
    os.dup2(1, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(program.folder)


def _main(program: Program) -> int:
    sys.argv = [program.module, *program.arguments]
    try:
        runpy.run_module(program.module, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        if isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
            return 1
        return error.code or 0
    return 0
