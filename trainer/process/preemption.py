"""Lets a process that is asked to end by SIGTERM save first, and then end with an exit code that says so.

Spot machines, Kubernetes and impatient people send SIGTERM. Its handler cannot save a checkpoint: it interrupts Python
between any two instructions, and all processes of a job must save the same step. So the handler only sets a flag. The
training loop reads it between two calls, and all processes agree. The exit code tells the launcher that nothing went
wrong, so the launcher starts the job again without counting it as a restart.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

# TensorFlow's own handling of pre-emptions and several cluster managers take this exit code for "start me again".
EXIT_CODE = 42


class PreemptedError(Exception):
    """This process or a peer was asked to end, and the job has saved a checkpoint. Every process raises it."""


class _Flag:
    raised = False


def requested() -> bool:
    """Returns whether this process was asked to end since `watching` began; False outside of that context."""
    return _Flag.raised


@contextlib.contextmanager
def watching() -> Iterator[None]:
    """Returns a context in which SIGTERM sets the flag of `requested`, and does not end the process.

    Python handles signals in its main thread only. In any other thread the context changes nothing.
    """
    if not _in_main_thread():
        yield
        return
    _Flag.raised = False
    before = signal.getsignal(signal.SIGTERM)
    listen()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _Flag.raised = False


def listen() -> None:
    """Sets our handler of SIGTERM again. TensorFlow sets its own when a process joins a cluster."""
    if _in_main_thread():
        signal.signal(signal.SIGTERM, _raise_flag)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _raise_flag(_number: int, _frame: FrameType | None) -> None:
    # A plain assignment, because the interrupted code may hold any lock.
    _Flag.raised = True
