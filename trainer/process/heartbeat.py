"""A sign of life every second, for a launcher that cannot tell a process at work from one that stands still.

A stopped or frozen process (SIGSTOP, a machine that swaps itself to death, a deadlock under Python's lock) neither
ends nor says anything, and its peers wait for it. Output is no sign of life: a long step is silent too. So a thread
touches a file that the launcher watches (in an object store it writes the file anew). A peer that merely waits in a
collective operation goes on beating, which tells the two apart; for the same reason two processes that wait for each
other for ever are not found out.
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

# Names the file, a path or URI; where it names none, nobody watches.
ENVIRONMENT = "LIMBECK_HEARTBEAT"
SECONDS = 1.0
# Joining a cluster waits for the slowest process to start.
JOINING_SECONDS = 600.0


def start() -> None:
    """Touches the file that LIMBECK_HEARTBEAT names, and goes on until the process ends.

    Called before slow imports; once it returns, a process that stands still is found out.
    """
    uri = os.environ.get(ENVIRONMENT)
    if uri:
        sign = _sign_of(uri)
        sign.announce(0.0)
        threading.Thread(target=_beat, args=(sign,), name="heartbeat", daemon=True).start()


@contextlib.contextmanager
def silence(seconds: float) -> Iterator[None]:
    """Announces that what is done in the context may give no sign of life for so long.

    For calls into C++ that wait for others and hold Python's lock meanwhile, such as joining a cluster.
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
    """Reads the file of a process, in the process that watches it.

    Returns:
      What is another at each beat, and the seconds of silence that are announced; None where there is no file yet.
    """
    try:
        text = files.read_text(uri)
        return (files.modified(uri), text), float(text.split()[0]) if text else 0.0
    except FileNotFoundError:
        return None


class _LocalSign:
    """A file whose time of change is the beat; it holds the announced seconds, or nothing."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def beat(self) -> None:
        os.utime(self._path)

    def announce(self, seconds: float) -> None:
        self._path.write_text(f"{seconds}" if seconds else "", encoding="ascii")


class _RemoteSign:
    """A file that is written anew at each beat, because not every store says when one was changed.

    It holds the announced seconds, and the number of the beat.
    """

    def __init__(self, uri: str) -> None:
        self._uri, self._lock, self._announced, self._number = uri, threading.Lock(), 0.0, 0

    def beat(self) -> None:
        with self._lock:
            self._number += 1
            # Of one length: TensorFlow's client of Cloud Storage remembers a file's size for some seconds, and raises
            # "File contents are inconsistent" at one that has shrunk since.
            text = f"{self._announced:012.1f} {self._number:012d}"
            # A beat that is lost is made good by the next.
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
            # It is gone, and with it the launcher that watched: `trainer.process.lifeline` ends this process.
            return
