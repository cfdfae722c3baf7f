"""Schedule `gpipe`: all micro-batches forward, then all backward (Huang et al., 2019, arXiv:1811.06965).

    stage 0  F0 F1 F2 F3 .. .. .. .. B3 B2 B1 B0
    stage 1  .. F0 F1 F2 F3 .. .. B3 B2 B1 B0 ..
    stage 2  .. .. F0 F1 F2 F3 B3 B2 B1 B0 .. ..

A batch of M micro-batches on K equal stages takes M + K - 1 times as long as one micro-batch on one stage. Every stage
holds the activations of all M micro-batches, so it is used together with recomputation.
"""

from __future__ import annotations

from limbeck.trainer.pipelining.schedule import Schedule, backward, forward, update
from limbeck.trainer.pipelining.schedules.kind import assert_counts


def gpipe(stages: int, micro_batches: int, batches: int = 1) -> Schedule:
    """Returns the schedule; all arguments are at least 1."""
    assert_counts(stages, micro_batches, batches)
    actions = []
    for batch in range(batches):
        ones = range(batch * micro_batches, (batch + 1) * micro_batches)
        actions += [forward(one, batch) for one in ones]
        actions += [backward(one, batch) for one in reversed(ones)]
        actions.append(update(batch))
    return Schedule((tuple(actions),) * stages)
