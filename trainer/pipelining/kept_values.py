"""Chooses the values that recomputation keeps, so that they and the largest block need as little memory as possible.

Recomputation keeps the values that cross the cuts between blocks, and computes all others again, block by block. With
few cuts, the largest block is large. With a cut after each layer, nothing is recomputed, and no memory is saved. For n
equal layers the best number of blocks is the root of n (Chen et al., 2016, "Training deep nets with sublinear memory
cost", arXiv:1604.06174). Layers are not equal, so the cuts are found by dynamic programming, for each bound on a block.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

# At most this many bounds on the largest block are tried. More bounds would hardly change the result.
_BOUNDS = 200


def kept_cuts(inner: Sequence[int], crossing: Sequence[int]) -> tuple[int, ...]:
    """Returns the numbers of the cuts whose values are kept.

    Args:
      inner: bytes that each part of the model computes in its forward pass; there are n + 1 parts.
      crossing: bytes that cross each of the n cuts between them. Cut i comes after part i.

    Returns:
      The cuts with the smallest sum of their bytes and the bytes of the largest block between them. Among equal
      choices, one with the fewest cuts.
    """
    sums = list(itertools.accumulate(inner, initial=0))
    blocks = sorted({sums[end] - sums[begin] for end in range(len(sums)) for begin in range(end)})
    wanted = [size for size in blocks if size >= max(inner)]
    bounds = wanted[:: max(1, len(wanted) // _BOUNDS)] + wanted[-1:]
    found = [(bound, *_least(sums, crossing, bound)) for bound in bounds]
    return min(found, key=lambda one: (one[0] + one[1], len(one[2])))[2]


def _least(sums: Sequence[int], crossing: Sequence[int], bound: int) -> tuple[int, tuple[int, ...]]:
    """Returns the cheapest cuts with no block above the bound between them, and before them their bytes."""
    parts = len(sums) - 1
    # best[p]: bytes and number of the cuts, and the last cut, if the last block ends after part p - 1. Includes cut p -
    # 1.
    best: list[tuple[int, int, int]] = [(0, 0, -1)]
    for end in range(1, parts + 1):
        own = crossing[end - 1] if end < parts else 0
        options = [
            (best[begin][0] + own, best[begin][1] + 1, begin)
            for begin in range(end)
            if sums[end] - sums[begin] <= bound
        ]
        best.append(min(options))
    cuts, place = [], parts
    while (place := best[place][2]) > 0:
        cuts.append(place - 1)
    return best[parts][0], tuple(reversed(cuts))
