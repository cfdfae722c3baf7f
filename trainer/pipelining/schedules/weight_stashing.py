"""Schedule `weight_stashing`: an update after each micro-batch (Narayanan et al., 2019, arXiv:1806.03377).

    stage 0  F0 F1 F2 .. .. B0 F3 B1 .. B2 .. B3
    stage 1  .. F0 F1 .. B0 F2 B1 F3 B2 .. B3 ..
    stage 2  .. .. F0 B0 F1 B1 F2 B2 F3 B3 .. ..

This is asynchronous PipeDream. Each stage updates its weights after every backward pass, so a micro-batch meets
different versions on its way: those of K - 1 - s updates ago on stage s. A stage keeps ("stashes") the version that a
micro-batch went forward through until it comes back. Stages hold up to K - s versions. Each micro-batch is a batch.
"""

from __future__ import annotations

from limbeck.trainer.pipelining.schedule import Action, Schedule, backward, forward, update
from limbeck.trainer.pipelining.schedules.kind import assert_counts
from limbeck.trainer.pipelining.schedules.one_forward_one_backward import alternating


def weight_stashing(stages: int, micro_batches: int, batches: int = 1, *, oldest: int = 0) -> Schedule:
    """Returns the schedule; all counts are at least 1.

    `oldest` is the oldest version that may be read: 0 in a new pipeline, and a negative number in a pipeline that has
    run before.
    """
    assert_counts(stages, micro_batches, batches)
    ones = range(micro_batches * batches)

    def of_stage(stage: int) -> tuple[Action, ...]:
        ahead = stages - 1 - stage
        forwards = [forward(one, max(oldest, one - ahead)) for one in ones]
        backwards = [backward(one, max(oldest, one - ahead)) for one in ones]
        actions = []
        for action in alternating(forwards, backwards, ahead):
            actions += [action, update(action.number)] if action.kind == "backward" else [action]
        return tuple(actions)

    return Schedule(tuple(of_stage(stage) for stage in range(stages)))
