"""Ends what the command line started, if it is killed: `python -m limbeck.cli.guardian`.

A command line that is killed by SIGKILL runs no handler. The kernel can end its children and grandchildren, but only
those that ask for it. Beam's worker processes do not: some were alive 15 seconds after their run. The guardian reads a
pipe that the command line holds open, and that reports sessions and their ends. When the pipe ends, the guardian kills
every process of the remaining sessions. Then it removes the temporary folders of the dead processes. The guardian has
its own session, so that signals for the run do not reach it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from limbeck import temporary

_PAUSE_SECONDS = 0.02


class Guardian:
    """This process's connection to its guardian."""

    def __init__(self, pipe: IO[bytes]) -> None:
        """Takes the pipe that the guardian reads."""
        self._pipe = pipe

    def add(self, session: int) -> None:
        """Lets the guardian kill a session if this process dies, or leaves the context of `guarding`."""
        self._tell(f"+{session}")

    def forget(self, session: int) -> None:
        """Lets the guardian forget a session that has ended, because a new session may get its number."""
        # The guardian may have been killed. Then there is nothing to forget.
        with contextlib.suppress(BrokenPipeError):
            self._tell(f"-{session}")

    def _tell(self, line: str) -> None:
        self._pipe.write(f"{line}\n".encode())
        self._pipe.flush()


@contextlib.contextmanager
def guarding(*sessions: int) -> Iterator[Guardian]:
    """Starts a guardian of this process: it kills sessions if this process dies within the context.

    Args:
      sessions: ids of sessions that the caller ends within the context. `Guardian.add` adds others.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "limbeck.cli.guardian"],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdin is not None  # noqa: S101
    guardian = Guardian(process.stdin)
    try:
        for session in sessions:
            guardian.add(session)
        yield guardian
    finally:
        for session in sessions:
            guardian.forget(session)
        process.communicate()


def end_session(session: int, number: int) -> None:
    """Sends the signal `number` to every process of a session, in all its process groups."""
    for process in members(session):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def kill_session(session: int) -> None:
    """Kills every process of a session. Returns when none is left, after pauses: a process may take long to end."""
    # More than once, because a process may just have started another.
    while members(session):
        end_session(session, signal.SIGKILL)
        time.sleep(_PAUSE_SECONDS)


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


def watch(pipe: IO[bytes]) -> None:
    """Blocks until `pipe` ends. Then kills the sessions that were added and not forgotten."""
    left = guarded(pipe.read())
    for session in left:
        kill_session(session)
    if left:
        temporary.sweep()


def guarded(told: bytes) -> set[int]:
    """Returns the sessions that were added, and not forgotten. A line without an end is left out."""
    found: set[int] = set()
    for line in told.split(b"\n")[:-1]:
        change = found.add if line.startswith(b"+") else found.discard
        change(int(line[1:]))
    return found


if __name__ == "__main__":
    watch(sys.stdin.buffer)
