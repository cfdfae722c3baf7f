"""Schedule `1f1b`: as soon as a micro-batch can go backward, it does (Narayanan et al., 2021, arXiv:2006.09503).

    stage 0  F0 F1 F2 .. .. B0 F3 B1 .. B2 .. B3
    stage 1  .. F0 F1 .. B0 F2 B1 F3 B2 .. B3 ..
    stage 2  .. .. F0 B0 F1 B1 F2 B2 F3 B3 .. ..

It is the schedule that the paper calls PipeDream-Flush. It takes as long as GPipe, but stage s holds the activations of
K - s micro-batches at most, however many there are. The pipeline runs empty before each update, so the gradients are
those of the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from limbeck.trainer.pipelining.schedule import Action, Schedule, backward, forward, update
from limbeck.trainer.pipelining.schedules.kind import assert_counts


def one_forward_one_backward(stages: int, micro_batches: int, batches: int = 1) -> Schedule:
    """Returns the schedule; all arguments are at least 1."""
    assert_counts(stages, micro_batches, batches)

    def of_batch(stage: int, batch: int) -> list[Action]:
        ones = range(batch * micro_batches, (batch + 1) * micro_batches)
        forwards, backwards = [forward(one, batch) for one in ones], [backward(one, batch) for one in ones]
        return [*alternating(forwards, backwards, ahead=stages - 1 - stage), update(batch)]

    return Schedule(
        tuple(
            tuple(chain.from_iterable(of_batch(stage, batch) for batch in range(batches)))
            for stage in range(stages)
        )
    )


def alternating(forwards: Sequence[Action], backwards: Sequence[Action], ahead: int) -> list[Action]:
    """Returns the actions of one stage: first `ahead` forward passes, then a forward and a backward pass in turn."""
    ahead = min(ahead, len(forwards))
    turns = zip(forwards[ahead:], backwards, strict=False)
    return [*forwards[:ahead], *chain.from_iterable(turns), *backwards[len(forwards) - ahead :]]
