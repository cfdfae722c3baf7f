"""What one process of a finished training did. The process writes it; the launcher and the report read it."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class RankRecord:
    """The work of one process of a finished job.

    Attributes:
      role: `chief` or `worker`.
      rank: number of the process within the job, from 0; the chief has 0.
      steps: optimizer steps.
      examples: examples for which the process computed gradients.
      seconds: duration of the training.
    """

    role: str
    rank: int
    steps: int
    examples: int
    seconds: float
