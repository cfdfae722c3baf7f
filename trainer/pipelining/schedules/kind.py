"""`ScheduleKind`: makes a schedule once the numbers of stages and micro-batches are known."""

from __future__ import annotations

from typing import Protocol

from limbeck.errors import ConfigError
from limbeck.trainer.pipelining.schedule import Schedule


class ScheduleKind(Protocol):
    """Makes the schedule for a number of stages, of micro-batches in a batch, and of batches in one call.

    Raises:
      ConfigError: if there is no such schedule for these numbers.
    """

    def __call__(self, stages: int, micro_batches: int, batches: int = 1) -> Schedule: ...


def assert_counts(stages: int, micro_batches: int, batches: int) -> None:
    """Raises ConfigError unless all three are at least 1."""
    for name, count in (("stages", stages), ("micro-batches", micro_batches), ("batches", batches)):
        if count < 1:
            raise ConfigError(f"a pipeline has at least one of its {name}, received {count}")
