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


@dataclasses.dataclass(frozen=True)
class Restart:
    """All processes are to be started again, after so many seconds."""

    after_seconds: float


@dataclasses.dataclass(frozen=True)
class GiveUp:
    """The last failure is the job's."""


def next_action(failures: Sequence[FailureKind], recovery: RecoveryConfig) -> Restart | GiveUp:
    """Says what to do after failed attempts, at least one, oldest first.

    A pre-emption is nobody's fault: it costs no restart and no pause, however often it happens.
    """
    if failures[-1] is FailureKind.PERMANENT:
        return GiveUp()
    if failures[-1] is FailureKind.PREEMPTION:
        return Restart(0.0)
    charged = failures.count(FailureKind.TRANSIENT)
    if charged > recovery.restarts:
        return GiveUp()
    return Restart(recovery.backoff_seconds * 2.0 ** (charged - 1))
