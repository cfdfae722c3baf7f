"""One started process: reads its output line by line, and reports its end as an event.

If a pipe is not read, it fills up and blocks its process. Polling with `poll()` wastes a core, or notices a death late.
So each process has two threads: one reads its output, and the other waits for its end and puts the end on a queue.
"""

from __future__ import annotations

import collections
import contextlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from limbeck.launchers.failure import Exit
from limbeck.launchers.local import forks
from limbeck.launchers.local.forks import Fork
from limbeck.trainer import fork_server

_PYTHON = (sys.executable, "-m")
WORKER = (*_PYTHON, fork_server.WORKER)
LAST_LINES = 30
# How long to wait for output if a grandchild keeps the pipe open after the process itself has ended.
_READER_SECONDS = 2.0


class Process:
    """A running process. Make it in a thread that outlives it: see `limbeck.trainer.process.lifeline`."""

    def __init__(
        self,
        rank: int,
        title: str,
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        exits: queue.SimpleQueue[Exit],
    ) -> None:
        """Starts `command` in the working directory `folder`. Puts its end on `exits`."""
        self.rank, self.title = rank, title
        self._lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._started = start(command, environment, folder)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._waiter = threading.Thread(target=self._report_exit, args=(exits,), daemon=True)
        self._reader.start()
        self._waiter.start()

    def last_lines(self) -> tuple[str, ...]:
        """Returns the last lines of output of a process that has ended."""
        self._reader.join(_READER_SECONDS)
        return tuple(self._lines)

    def _read(self) -> None:
        assert self._started.stdout is not None  # noqa: S101
        with self._started.stdout as lines:
            for line in lines:
                self._lines.append(line.rstrip("\n"))
                _pass_on(f"[{self.title}] {self._lines[-1]}\n")

    def _report_exit(self, exits: queue.SimpleQueue[Exit]) -> None:
        code = self._started.wait()
        exits.put(Exit(self.rank, code))

    def terminate(self) -> None:
        """Asks the process to end (SIGTERM)."""
        self._started.terminate()

    def kill(self) -> None:
        """Kills the process (SIGKILL) if it is still alive."""
        self._started.kill()

    def reap(self) -> None:
        """Waits until the process has ended and its output has been read."""
        self._waiter.join()
        self._reader.join(_READER_SECONDS)

    def wait(self, deadline: float) -> None:
        """Waits until the process has ended, or `time.monotonic()` has reached `deadline`."""
        self._waiter.join(max(0.0, deadline - time.monotonic()))


def start(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Fork | subprocess.Popen[str]:
    """Starts a process whose standard output and error are one stream of text; as a fork if that is equivalent."""
    interpreter, program, arguments = tuple(command[:2]), "".join(command[2:3]), command[3:]
    fork = forks.start(program, arguments, environment, folder) if interpreter == _PYTHON else None
    return fork or subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


def _pass_on(line: str) -> None:
    """Writes a line to the log, or drops it.

    Writing raises if the disk is full, or if the log's reader has ended. If this ended the reading thread, the pipe
    would fill up, and the process would hang or fail. A training must not fail because of its log.
    """
    # A ValueError means that standard error is closed.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line)


def end(processes: Iterable[Process], grace: float) -> None:
    """Ends and reaps all processes: SIGTERM, then SIGKILL for those that are still alive `grace` seconds later."""
    processes = tuple(processes)
    try:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + grace
        for process in processes:
            process.wait(deadline)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.reap()
