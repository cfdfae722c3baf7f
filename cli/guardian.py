"""Ends what a run started, if the command line is killed: `python -m limbeck.cli.guardian SESSION`.

A command line that is killed by SIGKILL runs no handler. The kernel can end its children and grandchildren, but only
those that ask for it. Beam's worker processes do not: some were alive 15 seconds after their run. The guardian reads a
pipe that the command line holds open. If the pipe ends without a farewell, the guardian kills every process of the
run's session. The guardian has its own session, so that signals for the run do not reach it.
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
    """Starts a guardian of this process: it kills the session if this process dies within the context.

    Args:
      session: id of the run's own session.
    """
    guardian = subprocess.Popen(
        [sys.executable, "-m", "limbeck.cli.guardian", str(session)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield
    finally:
        guardian.communicate(_FAREWELL)


def end_session(session: int, number: int) -> None:
    """Sends the signal `number` to every process of a session, in all its process groups."""
    for process in members(session):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def members(session: int) -> list[int]:
    """Returns the ids of the living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # The name in parentheses may hold any character. State, parent, group and session come after it.
            state, _, _, its_session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(its_session) == session and state != "Z":
                found.append(int(entry.name))
    return found


def watch(pipe: IO[bytes], session: int) -> None:
    """Blocks until `pipe` ends. Then kills the session, unless it read a farewell."""
    if pipe.read() != _FAREWELL:
        # Repeats until no process is left: a process may just have started another.
        while members(session):
            end_session(session, signal.SIGKILL)


if __name__ == "__main__":
    watch(sys.stdin.buffer, int(sys.argv[1]))
