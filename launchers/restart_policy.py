"""Whether a job that ended without a result is started again: a pure function of the failures of its attempts."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence

from limbeck.settings.recovery import RecoveryConfig


class FailureKind(enum.Enum):
    """Why an attempt failed: for a reason that may be gone next time, by pre-emption, or for one that stays."""

    TRANSIENT = "transient"
    PREEMPTION = "preemption"
    PERMANENT = "permanent"


# Pauses between pre-emptions that follow one another.
_SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


@dataclasses.dataclass(frozen=True)
class Restart:
    """All processes are to be started again, after so many seconds."""

    after_seconds: float


@dataclasses.dataclass(frozen=True)
class GiveUp:
    """The last failure is the job's."""


def next_action(failures: Sequence[FailureKind], recovery: RecoveryConfig) -> Restart | GiveUp:
    """Says what to do after failed attempts, at least one, oldest first.

    A pre-emption is nobody's fault: it costs no restart, however often it happens. The first is followed by no pause.
    Where a machine is taken away again and again, pauses grow up to `LONGEST_PAUSE_SECONDS`: to start processes
    takes more of a machine than to wait.
    """
    if failures[-1] is FailureKind.PERMANENT:
        return GiveUp()
    if failures[-1] is FailureKind.PREEMPTION:
        return Restart(_pause_after(_preemptions_in_a_row(failures)))
    charged = failures.count(FailureKind.TRANSIENT)
    if charged > recovery.restarts:
        return GiveUp()
    return Restart(recovery.backoff_seconds * 2.0 ** (charged - 1))


def _preemptions_in_a_row(failures: Sequence[FailureKind]) -> int:
    others = (back for back, kind in enumerate(reversed(failures)) if kind is not FailureKind.PREEMPTION)
    return next(others, len(failures))


def _pause_after(preemptions: int) -> float:
    """Seconds before the next attempt, after so many pre-emptions in a row: 0, 1, 2, 4 and so on."""
    if preemptions == 1:
        return 0.0
    # An exponent without a bound overflows after a thousand of them.
    return min(LONGEST_PAUSE_SECONDS, _SHORTEST_PAUSE_SECONDS * 2.0 ** min(preemptions - 2, 10))
