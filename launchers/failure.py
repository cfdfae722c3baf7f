"""Which of several dead processes is to blame, how to say so, and whether a second try could help.

When one process of a job dies the others fail a moment later, because they have lost a peer: their
error is the longest and says nothing. What a process wrote into its failure file comes first, then
a death by signal, then a process that stands still, then the order of the deaths. SIGABRT is
counted with the ordinary exits: it is how TensorFlow's C++ code ends a process that has lost its
coordinator.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError, TrainingFailedError, UserError
from limbeck.records import STRICT, from_json
from trainer.process import preemption

# Names the file, a path or URI, in which a process says why it failed.
ENVIRONMENT = "LIMBECK_FAILURE"


@dataclasses.dataclass(frozen=True)
class Exit:
    """The end of a process: its rank and its exit code; minus the signal's number if one killed it."""

    rank: int
    code: int


class Ended(Protocol):
    """A process that has ended.

    Attributes:
      rank: within the job.
      title: what messages call it.
    """

    rank: int
    title: str

    def last_lines(self) -> tuple[str, ...]:
        """The last lines of its output."""


class AttemptFailedError(TrainingFailedError):
    """A process of the job died, for a reason that may be gone when it is tried again.

    Attributes:
      reason: one line: which process, and its exit code, signal or silence.
      lines: the last of its output.
    """

    def __init__(self, reason: str, lines: Sequence[str]) -> None:
        """Takes what `str` shows."""
        super().__init__(f"{reason}. Its last lines:\n" + ("\n".join(lines) or "(it wrote nothing)"))
        self.reason, self.lines = reason, tuple(lines)


class AttemptPreemptedError(TrainingFailedError):
    """A process was asked to end; the job saved what it had reached, and nothing failed."""


class TrainingBrokeDownError(TrainingFailedError):
    """Training itself broke down, such as in a loss of NaN, and would do so again."""


@dataclasses.dataclass(frozen=True)
class Ending:
    """How an attempt ended: well, where both are empty.

    Attributes:
      failed: the processes that failed by themselves, in the order of their deaths.
      silent: seconds of silence of each living rank that stands still.
    """

    failed: tuple[Exit, ...]
    silent: Mapping[int, float]


@dataclass(frozen=True, config=STRICT)
class Failure:
    """Why a process failed, as `trainer.worker` writes it to the file that LIMBECK_FAILURE names.

    Attributes:
      kind: `user` and `final` would fail again; `passing` may be gone at the next try.
      message: for people.
    """

    kind: Literal["user", "final", "passing"]
    message: str


def read_failure(uri: str) -> Failure | None:
    """Reads a failure file, at a path or URI; None where there is none that can be read."""
    try:
        return from_json(Failure, files.read_text(uri))
    except (OSError, UnicodeDecodeError, ConfigError):
        return None


def by_signal(code: int) -> bool:
    """Whether a process with this code was killed from outside, or crashed by itself."""
    return code < 0 and code != -signal.SIGABRT


def blame(exits: Sequence[Exit]) -> Exit:
    """The exit that explains the others: the first by signal, otherwise the first that is no pre-emption.

    Args:
      exits: the failed ones, at least one, in the order of the deaths.
    """
    unasked = [each for each in exits if each.code != preemption.EXIT_CODE]
    return next((each for each in exits if by_signal(each.code)), [*unasked, *exits][0])


def error_of(
    ending: Ending, processes: Sequence[Ended], failures: Mapping[int, str]
) -> UserError | TrainingFailedError:
    """The error to raise for an attempt that did not end well.

    Args:
      ending: what was seen of it.
      processes: all of the job, in the order of the ranks, ended.
      failures: the URI of each rank's failure file.
    """
    # One that wrote its file may have been ended by us before it could leave: look at all of them.
    ranks = [each.rank for each in ending.failed] + [process.rank for process in processes]
    told = [(rank, failure) for rank in ranks if (failure := read_failure(failures[rank])) is not None]
    for _, failure in told:
        if failure.kind != "passing":
            return (UserError if failure.kind == "user" else TrainingBrokeDownError)(failure.message)
    for rank, failure in told:
        return AttemptFailedError(f"{processes[rank].title}: {failure.message}", processes[rank].last_lines())
    culprit = blame(ending.failed) if ending.failed else None
    if culprit is None or (ending.silent and not by_signal(culprit.code)):
        return _error_of_silence(ending.silent, culprit, processes)
    process = processes[culprit.rank]
    if culprit.code == preemption.EXIT_CODE:
        return AttemptPreemptedError(f"{process.title} was pre-empted, and saved before it ended")
    return AttemptFailedError(f"{process.title} {describe(culprit.code)}", process.last_lines())


def _error_of_silence(
    silent: Mapping[int, float], consequence: Exit | None, processes: Sequence[Ended]
) -> AttemptFailedError:
    rank = max(silent, key=lambda each: silent[each])
    reason = f"{processes[rank].title} said nothing for {silent[rank]:.0f} s (hung or stopped)"
    if consequence is not None:
        reason += f", and {processes[consequence.rank].title} {describe(consequence.code)}"
    return AttemptFailedError(reason, processes[rank if consequence is None else consequence.rank].last_lines())


def describe(code: int) -> str:
    """`was killed by SIGKILL ...` or `ended with exit code 1`, from a code as `Exit` has it."""
    if code >= 0:
        return f"ended with exit code {code}"
    hint = ", as the kernel does when memory runs out" if code == -signal.SIGKILL else ""
    return f"was killed by {_signal_name(-code)}{hint}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
