"""Why a custom job ended: its state and Vertex AI's message, and what its processes reported -> the error to raise.

Vertex AI reports exit codes only in the text of a message. The failure file of a process says more. So the failure
files are used first, and the message is used for processes that were killed before they could write a file.
"""

from __future__ import annotations

import dataclasses
import re
import signal
from collections.abc import Mapping, Sequence

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.failure import (
    AttemptFailedError,
    AttemptPreemptedError,
    Exit,
    Failure,
    TrainingBrokeDownError,
    blame,
    describe,
)
from limbeck.trainer.process import preemption

SUCCEEDED, FAILED = "JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"
CANCELLED, EXPIRED = "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED"
RUNNING = "JOB_STATE_RUNNING"
ENDED = frozenset({SUCCEEDED, FAILED, CANCELLED, EXPIRED, "JOB_STATE_PARTIALLY_SUCCEEDED"})
_EXIT = re.compile(r"replica workerpool(\d+)-(\d+) exited with a non-zero status of (\d+)")
# Vertex AI's message says why the job could not go on. Its words are documented only for spot machines.
_TAKEN = re.compile(r"preempt|STOCKOUT", re.IGNORECASE)
_REFUSED_CODES = {5: "something of it was not found", 7: "a permission is missing", 8: "a quota is used up"}
_SIGNALS_FROM = 128


@dataclasses.dataclass(frozen=True)
class Seen:
    """What is known about a custom job that has ended, or that we have ended.

    Attributes:
      state: its state, as Vertex AI names it.
      code: code of its error, a number of google.rpc.Code; 0 if there is no error.
      message: message of its error; empty if there is no error.
      ran: whether it was seen running, or one of its processes gave a sign of life.
      spot: whether its machines may be pre-empted.
      failures: what processes reported, by rank.
      silent: seconds of silence of each process that hung, by rank.
    """

    state: str
    code: int = 0
    message: str = ""
    ran: bool = False
    spot: bool = False
    failures: Mapping[int, Failure] = dataclasses.field(default_factory=dict)
    silent: Mapping[int, float] = dataclasses.field(default_factory=dict)


def verdict(seen: Seen, titles: Sequence[str], link: str) -> UserError | TrainingFailedError | None:
    """Returns the error to raise, or None for a job that succeeded.

    Args:
      seen: the end of the job.
      titles: names of the processes, by rank.
      link: where its logs are.
    """
    told = _of_files(seen, titles, link)
    if told is not None:
        return told
    if seen.silent:
        rank = max(seen.silent, key=lambda each: seen.silent[each])
        reason = f"{titles[rank]} said nothing for {seen.silent[rank]:.0f} s (hung or stopped)"
        return AttemptFailedError(reason, _lines(seen, link))
    if seen.state == SUCCEEDED:
        return None
    if seen.state == CANCELLED:
        return UserError(f"the custom job was cancelled by somebody else; its logs: {link}")
    if seen.state == EXPIRED:
        return UserError(
            "the custom job took longer than launcher.vertex.hours, or waited longer than Vertex AI lets it wait: "
            f"raise launcher.vertex.hours; its logs: {link}"
        )
    return _of_message(seen, titles, link)


def _of_files(seen: Seen, titles: Sequence[str], link: str) -> UserError | TrainingFailedError | None:
    for kind in ("user", "final", "passing"):
        for rank, failure in sorted(seen.failures.items()):
            if failure.kind != kind:
                continue
            if kind == "user":
                return UserError(failure.message)
            if kind == "final":
                return TrainingBrokeDownError(failure.message)
            return AttemptFailedError(f"{titles[rank]}: {failure.message}", _lines(seen, link))
    return None


def _of_message(seen: Seen, titles: Sequence[str], link: str) -> UserError | TrainingFailedError:
    exits = _exits(seen.message, len(titles))
    if exits:
        return _of_exits(exits, seen, titles, link)
    if seen.ran and (seen.spot or "preempt" in seen.message.lower()) and _TAKEN.search(seen.message):
        return AttemptPreemptedError(f"a machine of the custom job was taken away: {seen.message}")
    if not seen.ran and seen.code in _REFUSED_CODES and not _TAKEN.search(seen.message):
        return UserError(f"the custom job did not start, because {_REFUSED_CODES[seen.code]}: {seen.message}")
    return AttemptFailedError(f"the custom job failed: {_first(seen.message)}", _lines(seen, link))


def _of_exits(
    exits: Sequence[Exit], seen: Seen, titles: Sequence[str], link: str
) -> UserError | TrainingFailedError:
    culprit = blame(exits)
    title = titles[culprit.rank]
    taken = culprit.code == preemption.EXIT_CODE or (seen.spot and culprit.code == -signal.SIGTERM)
    if taken and not any(failure.kind == "error" for failure in seen.failures.values()):
        return AttemptPreemptedError(f"{title} was pre-empted, and ended")
    own = seen.failures.get(culprit.rank) or next(iter(seen.failures.values()), None)
    return AttemptFailedError(
        f"{title} {describe(culprit.code)}", _lines(seen, link), own.message if own is not None else None
    )


def _exits(message: str, processes: int) -> tuple[Exit, ...]:
    """Returns the exits of training processes that a message reports."""
    found = []
    for pool, index, status in ((int(each) for each in match.groups()) for match in _EXIT.finditer(message)):
        rank = index if pool == 0 else 1 + index
        if pool <= 1 and rank < processes:
            # Docker adds 128 to the number of a signal that ended a process.
            found.append(Exit(rank, _SIGNALS_FROM - status if status > _SIGNALS_FROM else status))
    return tuple(found)


def _first(message: str) -> str:
    return message.strip().splitlines()[0] if message.strip() else "Vertex AI does not say why"


def _lines(seen: Seen, link: str) -> tuple[str, ...]:
    return (
        *seen.message.strip().splitlines(),
        *(each.message for each in seen.failures.values()),
        f"logs: {link}",
    )
