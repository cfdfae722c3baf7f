"""Sends a heartbeat every second, so that a launcher can distinguish a working process from one that hangs.

A process may be stopped by SIGSTOP, swapped out, or deadlocked under Python's lock. It neither ends nor writes
anything, and its peers wait for it. Output is no sign of life, because a long step is silent too. So a thread touches a
file that the launcher watches. In an object store it writes the file again. A peer that waits in a collective operation
still gives signs of life, which tells it from a process that hangs. Two processes that wait for each other are not
noticed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from limbeck import files

# The variable with the path or URI of the file. If it is not set, nobody watches.
ENVIRONMENT = "LIMBECK_HEARTBEAT"
SECONDS = 1.0
# Joining a cluster waits for the slowest process to start.
JOINING_SECONDS = 600.0


def start() -> None:
    """Begins to touch the file that LIMBECK_HEARTBEAT names, every second until the process ends.

    Call it before slow imports. Once it has returned, the launcher notices if this process hangs.
    """
    uri = os.environ.get(ENVIRONMENT)
    if uri:
        sign = _sign_of(uri)
        sign.announce(0.0)
        threading.Thread(target=_beat, args=(sign,), name="heartbeat", daemon=True).start()


@contextlib.contextmanager
def silence(seconds: float) -> Iterator[None]:
    """Announces that this process may be silent in the context, for at most this many seconds.

    Some calls into C++ hold Python's lock while they wait for other processes, for example the call that joins a
    cluster.
    """
    uri = os.environ.get(ENVIRONMENT)
    if not uri:
        yield
        return
    sign = _sign_of(uri)
    sign.announce(seconds)
    try:
        yield
    finally:
        sign.announce(0.0)


def read(uri: str) -> tuple[object, float] | None:
    """Reads the file of a process. The process that watches it calls this.

    Returns:
      A value that differs after each beat, and the announced seconds of silence; None if there is no file yet.
    """
    try:
        text = files.read_text(uri)
        return (files.modified(uri), text), float(text.split()[0]) if text else 0.0
    except FileNotFoundError:
        return None


class _LocalSign:
    """A local file. Each beat sets its modification time. It holds the announced seconds, or is empty."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def beat(self) -> None:
        os.utime(self._path)

    def announce(self, seconds: float) -> None:
        self._path.write_text(f"{seconds}" if seconds else "", encoding="ascii")


class _RemoteSign:
    """A file in an object store. Each beat writes it, because not every store knows when a file was changed.

    It holds the announced seconds, and the number of the beat.
    """

    def __init__(self, uri: str) -> None:
        self._uri, self._lock, self._announced, self._number = uri, threading.Lock(), 0.0, 0

    def beat(self) -> None:
        with self._lock:
            self._number += 1
            # All texts have one length, because TensorFlow's client of Cloud Storage caches the size of a file for some
            # seconds. If the file has become smaller, it raises "File contents are inconsistent".
            text = f"{self._announced:012.1f} {self._number:012d}"
            # A lost beat does no harm, because the next one follows.
            with contextlib.suppress(OSError):
                files.write_text(self._uri, text)

    def announce(self, seconds: float) -> None:
        self._announced = seconds
        self.beat()


_Sign = _LocalSign | _RemoteSign


@functools.cache
def _sign_of(uri: str) -> _Sign:
    return _RemoteSign(uri) if "://" in uri else _LocalSign(uri)


def _beat(sign: _Sign) -> None:
    while True:
        time.sleep(SECONDS)
        try:
            sign.beat()
        except OSError:
            # The launcher has ended and removed the file, so `limbeck.trainer.process.lifeline` ends this process.
            return
