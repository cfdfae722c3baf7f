"""Child processes of the tests.

Tests of one process share it, so it also has children that other tests left. One of them may be a zombie: it has
ended, and nobody has asked for its exit code yet. A zombie has no command line, and psutil raises an error.
"""

from __future__ import annotations

import contextlib

import psutil


def living() -> list[psutil.Process]:
    """Returns the children that have not ended, and theirs."""
    return [one for one in psutil.Process().children(recursive=True) if _lives(one)]


def running(program: str) -> list[psutil.Process]:
    """Returns the children that have not ended and were started with this argument: a module, a class."""
    return [one for one in living() if program in command(one)]


def command(process: psutil.Process) -> list[str]:
    """Returns a process's command line. It is empty where the process has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def _lives(process: psutil.Process) -> bool:
    # Two questions: between them the process may end, and its parent may ask for its exit code.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
