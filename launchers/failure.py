"""Finds which of several dead processes caused a failure, describes it, and says whether a second try could help.

When one process of a job dies, the others fail a moment later, because they have lost a peer. Their errors are the
longest, and do not show the cause. So the cause is searched in this order: the failure file of a process, a death by a
signal, a process that hangs, the first death. SIGABRT does not count as a signal here, but as an ordinary exit, because
TensorFlow's C++ code ends a process with SIGABRT when the process has lost its coordinator.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, Protocol

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError, DamagedDataError, TrainingFailedError, UserError
from limbeck.records import STRICT, from_json
from limbeck.trainer.process import preemption

# The variable with the path or URI of the file in which a process reports why it failed.
ENVIRONMENT = "LIMBECK_FAILURE"


@dataclasses.dataclass(frozen=True)
class Exit:
    """The end of a process: its rank and its exit code. The code is minus the number of the signal that killed it."""

    rank: int
    code: int


class Ended(Protocol):
    """A process that has ended.

    Attributes:
      rank: its rank within the job.
      title: its name in messages.
    """

    rank: int
    title: str

    def last_lines(self) -> tuple[str, ...]:
        """Returns the last lines of its output."""


class AttemptFailedError(TrainingFailedError):
    """A process of the job died, and another try may succeed.

    Attributes:
      reason: one line: which process, and its exit code, its signal or how long it was silent.
      lines: the last lines of its output.
      exception: the exception that ended it, and after which step; None if no exception of its own ended it.
    """

    def __init__(self, reason: str, lines: Sequence[str], exception: str | None = None) -> None:
        """Takes the reason and the lines that `str` shows, and the exception."""
        super().__init__(f"{reason}. Its last lines:\n" + ("\n".join(lines) or "(it wrote nothing)"))
        self.reason, self.lines, self.exception = reason, tuple(lines), exception


class AttemptPreemptedError(TrainingFailedError):
    """A process was asked to end. The job saved its state, and nothing failed."""


class TrainingBrokeDownError(TrainingFailedError, UserError):
    """Training itself broke down, for example in a loss of NaN, and would do so again.

    It is a user's error: the remedy is in the settings, in the task, in the data, or on the disk.
    """


# The errors that another attempt would meet again, by the kind of failure.
_FINAL: Mapping[str, Callable[[str], UserError | TrainingFailedError]] = MappingProxyType(
    {"user": UserError, "damaged": DamagedDataError, "final": TrainingBrokeDownError}
)


@dataclasses.dataclass(frozen=True)
class Ending:
    """How an attempt ended. It ended well if both attributes are empty.

    Attributes:
      failed: the processes that failed by themselves, in the order of their deaths.
      silent: seconds of silence of each rank that lives but hangs.
    """

    failed: tuple[Exit, ...]
    silent: Mapping[int, float]


@dataclass(frozen=True, config=STRICT)
class Failure:
    """Why a process failed. `limbeck.trainer.worker` writes it to the file that LIMBECK_FAILURE names.

    Attributes:
      kind: `user`: a mistake of the user. `damaged`: local data are not what was written. `final`: training broke down.
        `passing`: storage was not available, and may be at the next attempt. `error`: an exception that may come again.
      message: text for people. For an `error`: the exception, and the step after which it was raised.
    """

    kind: Literal["user", "damaged", "final", "passing", "error"]
    message: str

    @property
    def explains(self) -> bool:
        """Whether this failure is the cause of the end. An exception may be only a consequence of a lost peer."""
        return self.kind != "error"


def read_failure(uri: str) -> Failure | None:
    """Reads a failure file, at a path or URI. Returns None if there is none, or if it cannot be read."""
    try:
        return from_json(Failure, files.read_text(uri))
    except (OSError, UnicodeDecodeError, ConfigError):
        return None


def by_signal(code: int) -> bool:
    """Returns whether a process with this exit code was killed from outside, or crashed by itself."""
    return code < 0 and code != -signal.SIGABRT


def blame(exits: Sequence[Exit]) -> Exit:
    """Returns the exit that explains the others: the first by signal, otherwise the first that is not a pre-emption.

    Args:
      exits: the failed processes, at least one, in the order of their deaths.
    """
    unasked = [each for each in exits if each.code != preemption.EXIT_CODE]
    return next((each for each in exits if by_signal(each.code)), [*unasked, *exits][0])


def error_of(
    ending: Ending, processes: Sequence[Ended], failures: Mapping[int, str]
) -> UserError | TrainingFailedError:
    """Returns the error to raise for an attempt that did not end well.

    Args:
      ending: how the attempt ended.
      processes: all processes of the job, in the order of the ranks. All have ended.
      failures: the URI of each rank's failure file.
    """
    # All files are read, because we may have killed a process after it wrote its file.
    ranks = [each.rank for each in ending.failed] + [process.rank for process in processes]
    told = [(rank, failure) for rank in ranks if (failure := read_failure(failures[rank])) is not None]
    for _, failure in told:
        if failure.kind in _FINAL:
            return _FINAL[failure.kind](failure.message)
    for rank, failure in told:
        if failure.kind == "passing":
            return AttemptFailedError(f"{processes[rank].title}: {failure.message}", processes[rank].last_lines())
    culprit = blame(ending.failed) if ending.failed else None
    if culprit is None or (ending.silent and not by_signal(culprit.code)):
        return _error_of_silence(ending.silent, culprit, processes)
    process = processes[culprit.rank]
    if culprit.code == preemption.EXIT_CODE:
        return AttemptPreemptedError(f"{process.title} was pre-empted, and saved before it ended")
    own = read_failure(failures[culprit.rank])
    reason = f"{process.title} {describe(culprit.code)}"
    return AttemptFailedError(reason, process.last_lines(), own.message if own else None)


def _error_of_silence(
    silent: Mapping[int, float], consequence: Exit | None, processes: Sequence[Ended]
) -> AttemptFailedError:
    rank = max(silent, key=lambda each: silent[each])
    reason = f"{processes[rank].title} said nothing for {silent[rank]:.0f} s (hung or stopped)"
    if consequence is not None:
        reason += f", and {processes[consequence.rank].title} {describe(consequence.code)}"
    return AttemptFailedError(reason, processes[rank if consequence is None else consequence.rank].last_lines())


def describe(code: int) -> str:
    """Returns `was killed by SIGKILL ...` or `ended with exit code 1`, for a code as in `Exit`."""
    if code >= 0:
        return f"ended with exit code {code}"
    hint = ", as the kernel does when memory runs out" if code == -signal.SIGKILL else ""
    return f"was killed by {_signal_name(-code)}{hint}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
