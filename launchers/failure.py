"""Which of several dead processes is to blame, and how to say so.

When one process of a job dies the others fail a moment later, because they have lost a peer: their
error is the longest and says nothing. What a process wrote into its failure file comes first, then
a death by signal, then the order of the deaths. SIGABRT is counted with the ordinary exits: it is
how TensorFlow's C++ code ends a process that has lost its coordinator.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic.dataclasses import dataclass

from launchers.processes import Exit, Process
from trainer.config import STRICT, from_json
from trainer.errors import ConfigError, TrainingFailedError, UserError


@dataclass(frozen=True, config=STRICT)
class Failure:
    """A mistake of the user, as a process writes it to the file that LIMBECK_FAILURE names."""

    kind: Literal["user"]
    message: str


def read_failure(path: Path) -> Failure | None:
    """Reads a failure file; None where there is none, or its process died while it wrote it."""
    try:
        return from_json(Failure, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigError):
        return None


def by_signal(code: int) -> bool:
    """Whether a process with this code was killed from outside, or crashed by itself."""
    return code < 0 and code != -signal.SIGABRT


def blame(exits: Sequence[Exit]) -> Exit:
    """The exit that explains the others: the first by signal, otherwise the first.

    Args:
      exits: the failed ones, at least one, in the order of the deaths.
    """
    return next((each for each in exits if by_signal(each.code)), exits[0])


def error_of(
    exits: Sequence[Exit], processes: Sequence[Process], files: Mapping[int, Path]
) -> UserError | TrainingFailedError:
    """The error to raise for a failed job.

    Args:
      exits: the processes that failed by themselves, at least one, in the order of the deaths.
      processes: all of the job, in the order of the ranks, ended.
      files: the failure file of each rank.
    """
    # One that wrote its file may have been ended by us before it could leave: look at all of them.
    ranks = [each.rank for each in exits] + [process.rank for process in processes]
    for rank in ranks:
        failure = read_failure(files[rank])
        if failure is not None:
            return UserError(failure.message)
    culprit = blame(exits)
    process = processes[culprit.rank]
    lines = "\n".join(process.last_lines()) or "(it wrote nothing)"
    return TrainingFailedError(f"{process.title} {describe(culprit.code)}. Its last lines:\n{lines}")


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
