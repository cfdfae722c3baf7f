"""Schedule `naive`: one micro-batch at a time.

    stage 0  F0 .. .. .. .. B0 F1 .. .. .. .. B1
    stage 1  .. F0 .. .. B0 .. .. F1 .. .. B1 ..
    stage 2  .. .. F0 B0 .. .. .. .. F1 B1 .. ..

This is plain model parallelism. It holds the activations of one micro-batch, and all stages but one are idle.
"""

from __future__ import annotations

from limbeck.trainer.pipelining.schedule import Schedule, backward, forward, update
from limbeck.trainer.pipelining.schedules.kind import assert_counts


def naive(stages: int, micro_batches: int, batches: int = 1) -> Schedule:
    """Returns the schedule; all arguments are at least 1."""
    assert_counts(stages, micro_batches, batches)
    actions = []
    for batch in range(batches):
        for one in range(batch * micro_batches, (batch + 1) * micro_batches):
            actions += [forward(one, batch), backward(one, batch)]
        actions.append(update(batch))
    return Schedule((tuple(actions),) * stages)
