"""Starts several servers on the same ports, and replaces those that die: `workers.py COUNT PROGRAM ARGUMENTS`.

Python runs one thread at a time, so one process uses only one core to read and write requests. Each worker is such a
process, with its own copy of the model. The kernel distributes connections among the listening workers, so no process
must pass them on: a worker listens when its model is loaded, and a dead worker does not listen.

The parent starts the workers, replaces dead ones, passes signals on, and keeps the folder of their metrics. It loads no
model and answers no requests. The ports are reserved before it starts (`limbeck.server.ports`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from limbeck import temporary

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
# Longer than a worker takes to finish the requests that it has begun.
_PATIENCE_SECONDS = 40.0
_SHORT_SECONDS, _SHORT_LIVES = 30.0, 5
_FAILED = 1


class WorkersFailedError(Exception):
    """Workers end soon after their start, or cannot be started, so trying again is useless."""


@dataclasses.dataclass
class ShortLives:
    """Counts consecutive workers that ended soon after their start.

    Attributes:
      limit: the number in a row that is too many.
      seconds: a life is short if the worker ends earlier than this after it was ready.
      count: the number in a row so far.
    """

    limit: int = _SHORT_LIVES
    seconds: float = _SHORT_SECONDS
    count: int = 0

    def are_too_many(self, lived: float) -> bool:
        """Takes how many seconds one more worker was ready. Returns whether no other worker should be started."""
        self.count = 0 if lived >= self.seconds else self.count + 1
        return self.count >= self.limit


@dataclasses.dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    line: socket.socket
    ready: float | None = None

    @property
    def lived(self) -> float:
        return 0.0 if self.ready is None else time.monotonic() - self.ready

    def send(self, number: int) -> None:
        # Before the server sets its handler, Python would print a traceback on SIGINT.
        self.process.send_signal(number if self.ready is not None else signal.SIGTERM)


class Workers:
    """Some workers of one command."""

    def __init__(self, command: Sequence[str], count: int, environment: Mapping[str, str], metrics: Path) -> None:
        """Takes the command of a worker, the number of workers, their environment, and the folder of metrics."""
        self._command, self._count = command, count
        self._environment, self._metrics = environment, metrics
        self._living: list[_Worker] = []
        self._lives, self._were_ready = ShortLives(), False
        self._selector = selectors.DefaultSelector()
        self._ending = False
        self._deadline: float | None = None
        self._code = 0
        self._failure: WorkersFailedError | None = None

    def run(self) -> int:
        """Runs until all workers have ended. Returns the exit code: 0 if they were asked to end.

        Raises:
          WorkersFailedError: if workers end by themselves again and again, or if the machine has no room for another.
            The others have ended, too.
        """
        self._selector.register(_signals(), selectors.EVENT_READ, self._pass_on)
        while len(self._living) < self._count and not self._ending:
            self._start()
        while self._living:
            patience = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            for key, _ in self._selector.select(patience):
                key.data(key.fileobj)
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self._deadline = None
                for worker in self._living:
                    worker.process.kill()
        if self._failure is not None:
            raise self._failure
        return self._code

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            # The worker has its own session, so that a Ctrl-C reaches it only once, through this process.
            with theirs:
                process = subprocess.Popen(
                    self._command, stdin=theirs.fileno(), env=self._environment, start_new_session=True
                )
        except OSError as error:
            ours.close()
            self._failure = WorkersFailedError(f"no worker can be started ({error.strerror})")
            self._end(signal.SIGTERM)
            return
        worker = _Worker(process, ours)
        self._living.append(worker)
        self._selector.register(ours, selectors.EVENT_READ, partial(self._hear, worker))

    def _hear(self, worker: _Worker, line: socket.socket) -> None:
        if not _received(line):
            self._bury(worker)
        elif worker.ready is None:
            worker.ready = time.monotonic()
            if not self._were_ready and all(one.ready is not None for one in self._living):
                self._were_ready = True
                _say(f"ready: {self._count} workers answer")

    def _bury(self, worker: _Worker) -> None:
        """Replaces a worker that has ended, unless all workers are to end."""
        self._selector.unregister(worker.line)
        worker.line.close()
        self._living.remove(worker)
        code = worker.process.wait()
        how = f"by {_signal_name(-code)}" if code < 0 else f"with code {code}"
        if self._ending:
            self._code = self._code or (0 if code in (0, -signal.SIGTERM) else _FAILED)
        elif not self._were_ready:
            # If one worker could not start, the others cannot either. The exit code is the server's.
            self._code = code if code > 0 else _FAILED
            _say(f"error: worker {worker.process.pid} ended {how} before the server was ready")
            self._end(signal.SIGTERM)
        elif self._lives.are_too_many(worker.lived):
            self._failure = WorkersFailedError(
                f"{self._lives.count} workers in a row ended within {self._lives.seconds:g} seconds, the last one {how}"
            )
            self._end(signal.SIGTERM)
        else:
            _say(f"worker {worker.process.pid} ended {how}: another one is started")
            _forget_gauges(worker.process.pid, self._metrics)
            self._start()

    def _pass_on(self, signals: socket.socket) -> None:
        for number in signals.recv(64):
            self._end(number)

    def _end(self, number: int) -> None:
        if not self._ending:
            self._ending, self._deadline = True, time.monotonic() + _PATIENCE_SECONDS
        for worker in self._living:
            worker.send(number)


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit code."""
    count = int(arguments[0])
    threads = str(max(1, len(os.sched_getaffinity(0)) // count))
    with temporary.folder() as metrics:
        environment = {
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": threads,
            **os.environ,
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }
        try:
            return Workers([sys.executable, *arguments[1:], "--shared"], count, environment, metrics).run()
        except WorkersFailedError as error:
            _say(f"error: {error}")
            return _FAILED


def _signals() -> socket.socket:
    """Returns a socket that says which signals have come. Python would wait for a worker to say something else."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.detach(), warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)
    return heard


def _forget_gauges(process: int, metrics: Path) -> None:
    """Removes the gauges of a process that has ended. Its counters stay."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(process, str(metrics))


def _received(line: socket.socket) -> bytes:
    try:
        return line.recv(64)
    except ConnectionError:
        return b""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Python has names for only two of the real-time signals.
        return f"signal {number}"


def _say(text: str) -> None:
    # The reader of the log may have ended, but clients still need the server.
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
