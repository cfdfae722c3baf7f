"""Decides whether Argo retries a failed pod (rules of 4.0, which checks all three limits before each retry)."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Literal

_DURATION = re.compile(r"\d+")


@dataclasses.dataclass(frozen=True)
class Times:
    """Times of the attempts so far, in seconds of one clock.

    Attributes:
      attempts: number of attempts.
      started: when the first one started.
      ended: when the last one ended.
      now: the present time.
    """

    attempts: int
    started: float
    ended: float
    now: float


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether there is a further attempt.

    Attributes:
      phase: `Retry`, or the final phase of the node.
      pause: seconds to wait before the next attempt.
      deadline: until when it may run; None for no limit.
      reason: why there is no further attempt.
    """

    phase: Literal["Retry", "Failed", "Error"]
    pause: float = 0.0
    deadline: float | None = None
    reason: str = ""


def decide(strategy: dict[str, Any], times: Times) -> Verdict:
    """Returns what Argo does after a failed attempt.

    The longest duration limits all attempts together, from the start of the first one, and not the pauses. So "0" means
    no further attempt, and an empty text means no limit.
    """
    backoff = strategy["backoff"]
    limit: float | None = None
    if backoff["maxDuration"]:
        limit = times.started + _whole(backoff["maxDuration"])
        if times.now > limit:
            return Verdict("Failed", reason="backoffMaxDuration has passed since the first attempt began")
    if not _DURATION.fullmatch(backoff["factor"]):
        return Verdict("Error", reason=f"backoffFactor {backoff['factor']!r} cannot be resolved to an int")
    factor = int(backoff["factor"])
    pause = _whole(backoff["duration"])
    if factor > 0:
        pause *= factor ** (times.attempts - 1)
    if limit is not None and times.ended + pause > limit:
        return Verdict("Failed", reason="the pause would end after backoffMaxDuration")
    if times.attempts > int(strategy["limit"]):
        return Verdict("Failed", reason="no more retries left")
    return Verdict("Retry", pause=max(0.0, times.ended + pause - times.now), deadline=limit)


def _whole(text: str) -> float:
    return float(text) if text else 0.0
