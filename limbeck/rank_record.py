"""What one process of a finished training did: written by it, read by launcher and report."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class RankRecord:
    """What one process of a finished job did: optimizer steps, examples it computed gradients of, seconds."""

    role: str
    rank: int
    steps: int
    examples: int
    seconds: float
