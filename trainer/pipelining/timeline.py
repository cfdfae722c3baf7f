"""Times a schedule with a discrete-event simulation: computes when each action begins and ends, from its duration.

The formula for the idle time of a pipeline holds for equal stages and free transfers. Real stages are unequal, and a
transfer takes time. A simulation with measured times covers these cases, too, and more devices than there are. It does
not model a device that runs two actions at a time, or a link that two stages share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from limbeck.trainer.pipelining.schedule import Action, Schedule


@dataclasses.dataclass(frozen=True)
class Durations:
    """The duration of each action of each stage, all in one unit.

    Attributes:
      forward: forward pass of one micro-batch, by stage.
      backward: backward pass of one micro-batch, by stage.
      update: update of the weights, by stage.
      transfer: transfer of one micro-batch between stages s and s + 1, in either direction, by s: one entry fewer than
        stages.
    """

    forward: Sequence[float]
    backward: Sequence[float]
    update: Sequence[float]
    transfer: Sequence[float]

    def __post_init__(self) -> None:
        """Raises ValueError if the lengths differ."""
        if not len(self.forward) == len(self.backward) == len(self.update) == len(self.transfer) + 1:
            raise ValueError(f"durations are given for each stage and for each link between two, received {self}")

    @classmethod
    def equal(cls, stages: int, forward: float = 1, backward: float = 1) -> Durations:
        """Returns equal stages with free updates and transfers."""
        return cls([forward] * stages, [backward] * stages, [0] * stages, [0] * (stages - 1))


class Span(NamedTuple):
    """When an action takes place."""

    stage: int
    action: Action
    begin: float
    end: float


def timeline(schedule: Schedule, durations: Durations) -> list[Span]:
    """Returns when each action takes place, in a possible order of execution.

    A stage does one action at a time, in the order of the schedule. An action begins as soon as its stage is free and
    the result that it needs has arrived.

    Raises:
      ValueError: if the durations are for another number of stages.
    """
    if len(durations.forward) != len(schedule.stages):
        raise ValueError(
            f"{len(schedule.stages)} stages need as many durations, received {len(durations.forward)}"
        )
    free = [0.0] * len(schedule.stages)
    ended: dict[tuple[int, str, int], float] = {}
    spans = []
    for placed in schedule.merged():
        stage, action = placed
        arrivals = [
            ended[key] + (durations.transfer[min(key[0], stage)] if key[0] != stage else 0)
            for key in schedule.needed(placed)
        ]
        begin = max(free[stage], *arrivals, 0.0)
        end = begin + getattr(durations, action.kind)[stage]
        free[stage] = ended[stage, action.kind, action.number] = end
        spans.append(Span(stage, action, begin, end))
    return spans


def makespan(spans: Sequence[Span]) -> float:
    """Returns when the last action ends; the first begins at 0."""
    return max(span.end for span in spans)


def drawn(schedule: Schedule) -> str:
    """Returns the schedule as text: a line for each stage, a column for each unit of time.

    Forward and backward passes take one unit each, updates and transfers none. `F2` is the forward pass of
    micro-batch 2, `B2` its backward pass, and `..` is an idle unit.
    """
    spans = timeline(schedule, Durations.equal(len(schedule.stages)))
    units = round(makespan(spans))
    cells = [[".."] * units for _ in schedule.stages]
    for stage, action, begin, end in spans:
        if end > begin:
            cells[stage][round(begin)] = str(action)
    return "\n".join(f"stage {stage}  {' '.join(line)}".rstrip() for stage, line in enumerate(cells))
