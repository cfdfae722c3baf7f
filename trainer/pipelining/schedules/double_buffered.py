"""Schedule `2bw`: no flush, and two versions of the weights (Narayanan et al., 2021, arXiv:2006.09503).

    stage 0  F0 F1 F2 .. .. B0 F3 B1 F4 B2 F5 B3 F6 B4 F7 B5 .. B6 .. B7
    stage 1  .. F0 F1 .. B0 F2 B1 F3 B2 F4 B3 F5 B4 F6 B5 F7 B6 .. B7 ..
    stage 2  .. .. F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5 F6 B6 F7 B7 .. ..

Batches follow each other without a pause. While the last micro-batches of one batch go backward, the first of the next
batch are on their way, so they cannot use its update. PipeDream-2BW lets *all* micro-batches of batch t read the
weights before the update of batch t - 1. So a batch has one gradient, at weights that are one update old: W(t + 1) =
W(t) - rate * gradient at W(t - 1). Stages hold two versions. The result differs from that of a flush.
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.trainer.pipelining.schedule import Action, Schedule, backward, forward, update
from limbeck.trainer.pipelining.schedules.kind import assert_counts
from limbeck.trainer.pipelining.schedules.one_forward_one_backward import alternating


def double_buffered(stages: int, micro_batches: int, batches: int = 1, *, oldest: int = 0) -> Schedule:
    """Returns the schedule; all counts are at least 1.

    `oldest` is the oldest version that may be read: 0 in a new pipeline, and a negative number in a pipeline that has
    run before.

    Raises:
      ConfigError: if there are fewer micro-batches than stages minus one: two versions would not be enough.
    """
    assert_counts(stages, micro_batches, batches)
    if micro_batches < stages - 1:
        raise ConfigError(
            f"the schedule '2bw' needs at least {stages - 1} micro-batches for {stages} stages, received "
            f"{micro_batches}: raise pipelining.micro_batches, or take the schedule '1f1b'"
        )

    def version(micro_batch: int) -> int:
        return max(oldest, micro_batch // micro_batches - 1)

    ones = range(micro_batches * batches)
    forwards = [forward(one, version(one)) for one in ones]
    backwards = [backward(one, version(one)) for one in ones]

    def of_stage(stage: int) -> tuple[Action, ...]:
        actions = []
        for action in alternating(forwards, backwards, ahead=stages - 1 - stage):
            actions.append(action)
            if action.kind == "backward" and (action.number + 1) % micro_batches == 0:
                actions.append(update(action.number // micro_batches))
        return tuple(actions)

    return Schedule(tuple(of_stage(stage) for stage in range(stages)))
