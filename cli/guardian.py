"""Outlives the command line by a moment, to end what a run started: `python -m cli.guardian SESSION`.

A command line that is killed with -9 runs no handler. The kernel can end its children for it, and theirs, as far
as each asks for that; Beam's worker processes do not, and were seen alive a quarter of a minute after their run.
The guardian reads a pipe that the command line holds open: when the pipe ends without a word of farewell, it kills
every process of the run's session. It stands in a session of its own, so that a signal for the run spares it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_FAREWELL = b"done"


@contextlib.contextmanager
def guarding(session: int) -> Iterator[None]:
    """Has a guardian watch over this process; the session is killed if the process dies within the context.

    Args:
      session: id of the session that the run has to itself.
    """
    guardian = subprocess.Popen(
        [sys.executable, "-m", "cli.guardian", str(session)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parents[1],
    )
    try:
        yield
    finally:
        guardian.communicate(_FAREWELL)


def end_session(session: int, number: int) -> None:
    """Sends the signal `number` to every process of a session, whatever its process group."""
    for process in members(session):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def members(session: int) -> list[int]:
    """Ids of the living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # The name in parentheses may hold anything; behind it stand state, parent, group and session.
            state, _, _, its_session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(its_session) == session and state != "Z":
                found.append(int(entry.name))
    return found


def watch(pipe: IO[bytes], session: int) -> None:
    """Blocks until `pipe` ends; then kills the session, unless a farewell was read."""
    if pipe.read() != _FAREWELL:
        # Again until none is left: a process may have been starting another.
        while members(session):
            end_session(session, signal.SIGKILL)


if __name__ == "__main__":
    watch(sys.stdin.buffer, int(sys.argv[1]))
