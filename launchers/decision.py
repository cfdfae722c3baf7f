"""Whether a job that ended without a result is started again: a pure function of how its attempts ended."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence

from limbeck.settings.recovery import RecoveryConfig


class Outcome(enum.Enum):
    """How an attempt ended: for a reason that may be gone next time, by pre-emption, or for good."""

    FAILED = "failed"
    PREEMPTED = "preempted"
    FINAL = "final"


@dataclasses.dataclass(frozen=True)
class Restart:
    """All processes are to be started again, after so many seconds."""

    after_seconds: float


@dataclasses.dataclass(frozen=True)
class GiveUp:
    """The last failure is the job's."""


def decide(history: Sequence[Outcome], recovery: RecoveryConfig) -> Restart | GiveUp:
    """What to do after the attempts in `history`, at least one, oldest first.

    A pre-emption is nobody's fault: it costs no restart and no pause, however often it happens.
    """
    if history[-1] is Outcome.FINAL:
        return GiveUp()
    if history[-1] is Outcome.PREEMPTED:
        return Restart(0.0)
    failures = history.count(Outcome.FAILED)
    if failures > recovery.restarts:
        return GiveUp()
    return Restart(recovery.backoff_seconds * 2.0 ** (failures - 1))
