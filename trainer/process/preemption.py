"""A process that is asked to end (SIGTERM) saves first, and leaves with an exit code that says so.

Spot machines, Kubernetes and impatient people send SIGTERM and mean it. A signal handler may not save by itself: it
interrupts Python between any two instructions, and with several processes all must save the same step. So the
handler sets a flag, the training loop asks for it between calls and has all processes agree, and the exit code tells
the launcher that nothing went wrong: the job is started again at once, at no cost to its budget.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

# The code that TensorFlow's own preemption handling and several cluster managers take for "start me again".
EXIT_CODE = 42


class PreemptedError(Exception):
    """This process, or a peer, was asked to end; what was reached is saved. Every process of the job raises it."""


class _Flag:
    raised = False


def requested() -> bool:
    """Whether this process was asked to end since `watching` began; False when that is over."""
    return _Flag.raised


@contextlib.contextmanager
def watching() -> Iterator[None]:
    """Makes SIGTERM set the flag of `requested` while the context lasts, instead of ending the process.

    Python handles signals in its main thread only; in any other nothing is changed.
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
    """Takes SIGTERM back from TensorFlow, whose coordination service takes it when a process joins a cluster."""
    if _in_main_thread():
        signal.signal(signal.SIGTERM, _raise_flag)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _raise_flag(_number: int, _frame: FrameType | None) -> None:
    # A plain assignment: a lock might be held by the very code that was interrupted.
    _Flag.raised = True
