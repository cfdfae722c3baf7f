"""Merges sorted runs with any number of examples, a block at a time.

A merge of k runs is usually written as a loop that takes the smallest of k first examples, which is a step of Python
for each example. Here all runs are repeatedly cut at the same id, so that all examples between two cuts fit in memory.
These examples are sorted at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from limbeck.trainer.data.block import Ids, PackedBlock, joined
from limbeck.trainer.data.permutation import Positions


def merged(runs: Sequence[PackedBlock], most_bytes: int) -> Iterator[PackedBlock]:
    """Yields the examples of all runs, sorted by id. Examples with equal ids are sorted by a digest of their values.

    Args:
      runs: examples that are sorted by id, with the same layout. They may be mapped files.
      most_bytes: approximate size of a block. All examples with the same id are in one block, which may become larger.

    Returns:
      Blocks that follow each other. They do not depend on how the examples were divided among runs.
    """
    each = sum(run.nbytes for run in runs) // sum(map(len, runs)) + 1
    for piece in cuts([run.ids for run in runs], max(1, most_bytes // each)):
        parts = [run.between(*place) for run, place in zip(runs, piece, strict=True) if place[0] < place[1]]
        together = joined(parts)
        yield together.taken(sorted_by_id(together))


def cuts(ids: Sequence[Ids], most: int) -> Iterator[list[tuple[int, int]]]:
    """Cuts sorted runs into pieces. All ids of a piece are greater than those of the piece before it.

    Args:
      ids: the sorted ids of each run.
      most: about the largest number of examples in a piece. It may have more if there are more runs, or for equal ids.

    Returns:
      For each piece, the positions at which it begins and ends in each run.
    """
    share, begins = max(1, most // len(ids)), [0] * len(ids)
    while any(begin < len(one) for begin, one in zip(begins, ids, strict=True)):
        # The last id of each run's share. Up to the smallest of these ids, no run has more than its share, except for
        # equal ids.
        lasts = [
            bytes(one[begin + share - 1])
            for begin, one in zip(begins, ids, strict=True)
            if begin + share < len(one)
        ]
        ends = [
            _end(one, begin, min(lasts)) if lasts else len(one) for begin, one in zip(begins, ids, strict=True)
        ]
        yield list(zip(begins, ends, strict=True))
        begins = ends


def sorted_by_id(block: PackedBlock) -> Positions:
    """Returns the order of examples by id. Examples with equal ids are ordered by a digest of their values."""
    order = np.argsort(block.ids, kind="stable")
    sorted_ids = block.ids[order]
    equal = sorted_ids[1:] == sorted_ids[:-1]
    places = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    same = order[places]
    content = block.rows[same]
    for number in range(len(block.streams)):
        # The digest leaves out the positions of values, because they depend on the order in which files were read.
        block.layout.stream(content, number)[:, 0] = 0
    digests = np.array([hashlib.sha256(row.tobytes()).hexdigest() for row in content], "S64")
    order[places] = same[np.lexsort([digests, block.ids[same]])]
    return order


def _end(ids: Ids, begin: int, last: bytes) -> int:
    """Returns how many ids of a run are at most `last`. The ids before `begin` are known to be.

    `last` is converted to the dtype of the run. Otherwise NumPy would copy all ids. A longer `last` may be cut, because
    no id of the run is as long.
    """
    return begin + int(np.searchsorted(ids[begin:], np.array(last, ids.dtype), side="right"))
