"""Decides whether a failed job is restarted: a pure function of the failures of its attempts."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence

from limbeck.settings.recovery import RecoveryConfig


class FailureKind(enum.Enum):
    """Why an attempt failed: for a reason that may be gone next time, by pre-emption, or for a reason that stays."""

    TRANSIENT = "transient"
    PREEMPTION = "preemption"
    PERMANENT = "permanent"


# Pauses between consecutive pre-emptions.
_SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


@dataclasses.dataclass(frozen=True)
class Restart:
    """All processes must be started again after `after_seconds`."""

    after_seconds: float


@dataclasses.dataclass(frozen=True)
class GiveUp:
    """The job fails with its last failure."""


def next_action(failures: Sequence[FailureKind], recovery: RecoveryConfig) -> Restart | GiveUp:
    """Returns what to do after failed attempts.

    A pre-emption is not a failure of the job, so it never counts as a restart. After the first one there is no pause.
    If pre-emptions are repeated, pauses grow up to `LONGEST_PAUSE_SECONDS`, because starting processes costs more than
    waiting.

    Args:
      failures: the failures of all attempts, at least one, oldest first.
      recovery: how many restarts are allowed, and the pauses before them.
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
    """Returns the seconds before the next attempt, after this many pre-emptions in a row: 0, 1, 2, 4 and so on."""
    if preemptions == 1:
        return 0.0
    # Without a bound, the exponent overflows after a thousand pre-emptions.
    return min(LONGEST_PAUSE_SECONDS, _SHORTEST_PAUSE_SECONDS * 2.0 ** min(preemptions - 2, 10))
