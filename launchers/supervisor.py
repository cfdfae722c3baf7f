"""Restarts a job after a failure, within a budget.

A lost process cannot rejoin a running TensorFlow job. So the whole job is restarted: all processes end, all start
again, and they go on from the last checkpoint. After some failures a restart is useless: a mistake of the user or a
loss of NaN happens again with the same data and the same seed, and an exception that was raised twice after the same
step is likely to be raised again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Generic, TypeVar

from limbeck import events
from limbeck.counted import counted
from limbeck.errors import TrainingFailedError
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError, TrainingBrokeDownError
from limbeck.launchers.restart_policy import FailureKind, GiveUp, next_action
from limbeck.settings.recovery import RecoveryConfig

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_ENDED_BY_SIGTERM = 128 + signal.SIGTERM


@dataclasses.dataclass(frozen=True)
class Supervised(Generic[_Result]):
    """The result of the attempt that succeeded, and how many failures and pre-emptions came before it."""

    result: _Result
    restarts: int
    preemptions: int


def supervise(
    attempt: Callable[[], _Result],
    recovery: RecoveryConfig,
    wait: Callable[[float], None] = time.sleep,
    *,
    once: bool = False,
) -> Supervised[_Result]:
    """Calls `attempt` until it returns, or until its failure is final.

    If this process gets a SIGTERM (in the main thread, without another handler), the running attempt gets the time to
    save. Nothing is restarted, and the process ends by that signal. An interrupt (KeyboardInterrupt) ends the attempt
    in the same way, and is raised.

    Args:
      attempt: runs the job once, and ends its processes whatever is raised in it.
      recovery: how many restarts, and the pauses before them.
      wait: pauses for a number of seconds.
      once: makes one attempt, and raises its failure unchanged: for attempts that restart their processes themselves.

    Raises:
      UserError: of the first attempt that raises one.
      TrainingFailedError: of an attempt that would fail again, or after which no restart is left. The message says how
        many restarts were made.
    """
    with unwinding_on_sigterm():
        if once:
            return Supervised(attempt(), restarts=0, preemptions=0)
        return _supervise(attempt, recovery, wait)


def _supervise(
    attempt: Callable[[], _Result], recovery: RecoveryConfig, wait: Callable[[float], None]
) -> Supervised[_Result]:
    failures: list[FailureKind] = []
    exception: str | None = None
    while True:
        restarts, preemptions = failures.count(FailureKind.TRANSIENT), failures.count(FailureKind.PREEMPTION)
        try:
            return Supervised(attempt(), restarts, preemptions)
        except (AttemptFailedError, AttemptPreemptedError, TrainingBrokeDownError) as error:
            failures.append(_kind(error, exception))
            exception = error.exception if isinstance(error, AttemptFailedError) else None
            action = next_action(failures, recovery)
            if isinstance(action, GiveUp):
                raise _with_restarts(error, restarts) from None
            _tell(error, failures, action.after_seconds, recovery)
        wait(action.after_seconds)


def _kind(error: TrainingFailedError, before: str | None) -> FailureKind:
    """Returns the kind of a failure. `before` is the exception of the previous attempt, if one ended it."""
    if isinstance(error, AttemptFailedError) and error.exception is not None and error.exception == before:
        # The same exception was raised twice after the same step.
        return FailureKind.PERMANENT
    if isinstance(error, AttemptPreemptedError):
        return FailureKind.PREEMPTION
    return FailureKind.PERMANENT if isinstance(error, TrainingBrokeDownError) else FailureKind.TRANSIENT


def _with_restarts(error: TrainingFailedError, restarts: int) -> TrainingFailedError:
    if restarts == 0:
        return error
    kind = TrainingBrokeDownError if isinstance(error, TrainingBrokeDownError) else TrainingFailedError
    return kind(f"after {counted(restarts, 'restart')}: {error}")


def _tell(
    error: TrainingFailedError, failures: list[FailureKind], seconds: float, recovery: RecoveryConfig
) -> None:
    preempted = failures[-1] is FailureKind.PREEMPTION
    reason = error.reason if isinstance(error, AttemptFailedError) else str(error)
    _log.warning("attempt %d: %s; starting again in %.1f s", len(failures), error, seconds)
    events.emit(
        "restarting",
        reason=reason,
        attempt=len(failures) + 1,
        restart=None if preempted else failures.count(FailureKind.TRANSIENT),
        restarts=recovery.restarts,
        seconds=seconds,
    )


class _TerminatedError(BaseException):
    """SIGTERM as an exception. It is a BaseException, so that no `except Exception` takes it for a failure."""


@contextlib.contextmanager
def unwinding_on_sigterm() -> Iterator[None]:
    """Returns a context in which SIGTERM unwinds the stack, so that everything is cleaned up, and ends the process.

    It does nothing outside of the main thread, or if there is another handler of SIGTERM.
    """
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    except _TerminatedError:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        # The first process of a container survives the signal, because no signal ends it by default.
        raise SystemExit(_ENDED_BY_SIGTERM) from None
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raise_terminated(_number: int, _frame: FrameType | None) -> None:
    raise _TerminatedError
