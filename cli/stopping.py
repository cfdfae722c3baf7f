"""Turns the signals that ask this process to end into an exception, so that it ends the processes that it started."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedError(Exception):
    """A signal asked this process to end.

    Attributes:
      code: the exit code for this signal.
    """

    def __init__(self, number: int) -> None:
        """Takes the number of the signal."""
        super().__init__(number)
        self.code = 128 + number


@contextlib.contextmanager
def signals_as_errors() -> Iterator[None]:
    """Returns a context in which the first signal raises StoppedError, and later ones do nothing."""

    def stop(number: int, _: FrameType | None) -> None:
        # Later signals are ignored, because they must not interrupt the end of the processes, or the report.
        ignore_signals()
        raise StoppedError(number)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Returns a context that delays these signals until its end.

    Blocking the signals is not enough: the kernel gives a signal to another thread, such as one of NumPy's, and Python
    runs the handler in this thread nevertheless.
    """
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def ignore_signals() -> None:
    """Ignores signals from now on, until `signals_as_errors` ends."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
