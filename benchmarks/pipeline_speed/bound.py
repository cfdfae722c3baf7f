"""The most that a schedule can gain over one device, and what a larger number of devices would gain, by simulation.

The bound K M / (M + K - 1) holds for equal stages. For blocks that were measured, a discrete-event simulation of the
schedule (`limbeck.trainer.pipelining.timeline`) gives the time of a step, also for more devices than there are. It is a
simulation: it knows no device that does two things at a time, and no link that two stages share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from limbeck.trainer.pipelining.partition import BlockCost, Devices, Partitioning, partition
from limbeck.trainer.pipelining.schedule import Schedule
from limbeck.trainer.pipelining.schedules.registry import DELAYED, SCHEDULES
from limbeck.trainer.pipelining.timeline import Durations, makespan, timeline


def gain_bound(schedule: str, stages: int, micro_batches: int, batches: int = 1) -> float:
    """Returns how many times as fast as one device so many equal stages are at most.

    Args:
      schedule: name of the schedule.
      stages: number of stages, K.
      micro_batches: of a batch, M.
      batches: that follow each other through the pipeline, if the schedule has no flush.
    """
    if schedule == "naive":
        return 1.0
    through = micro_batches * (batches if schedule in DELAYED else 1)
    return stages * through / (through + stages - 1)


@dataclasses.dataclass(frozen=True)
class MeasuredBlock:
    """What one block takes for one micro-batch, in seconds, and what crosses to the next one, in bytes."""

    forward: float
    backward: float
    output_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class Plan:
    """A pipeline that is simulated.

    Attributes:
      schedule: its name.
      stages: number of stages.
      micro_batches: parts of a batch.
      by: how blocks become stages: `balanced`, or `naive` with equal numbers of them.
      seconds_per_byte: of a transfer between two stages.
    """

    schedule: str
    stages: int
    micro_batches: int
    by: Partitioning = "balanced"
    seconds_per_byte: float = 0.0


def simulated_seconds(blocks: Sequence[MeasuredBlock], plan: Plan, batches: int = 1) -> float:
    """Returns the seconds that a batch takes, on average over `batches` that are done in one call.

    The blocks take what they were measured to take, and updates take nothing. Micro-batches are parts of one batch of a
    fixed size. So `blocks` are those of the plan's micro-batches.
    """
    schedule: Schedule = SCHEDULES[plan.schedule](plan.stages, plan.micro_batches, batches)
    costs = [BlockCost(one.forward + one.backward, 0, 0, one.output_bytes) for one in blocks]
    devices = Devices(plan.stages, schedule.alive, seconds_per_byte=plan.seconds_per_byte)
    stages = partition(costs, devices, plan.by)
    forward, backward = (
        [sum(getattr(one, kind) for one in blocks[stage.begin : stage.end]) for stage in stages]
        for kind in ("forward", "backward")
    )
    links = [blocks[stage.end - 1].output_bytes * plan.seconds_per_byte for stage in stages[:-1]]
    return makespan(timeline(schedule, Durations(forward, backward, [0.0] * plan.stages, links))) / batches
