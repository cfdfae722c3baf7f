"""Permutes the numbers below n one at a time: each position is computed without the other positions.

A shuffle of a billion examples takes eight gigabytes for each epoch, in each process, before the first step. Here a
permutation is a function. A Feistel network of a few rounds is a bijection of the pairs (left, right), whatever its
round function is. The pairs number a little more than n. A number that lands at n or above goes through the network
again, until it lands below: that is a permutation of the numbers below n (Black and Rogaway 2002, "Ciphers with
arbitrary finite domains", methods 2 and 3).

For few numbers, a network of few rounds is not a good approximation of a random permutation. So permutations of small
splits are drawn.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from limbeck.trainer.data.layout import Words
from limbeck.trainer.data.mixing import mixed

Positions = npt.NDArray[np.int64]
# Eight megabytes.
_LARGEST_DRAWN = 1 << 20
_ROUNDS = 6


def permuted(numbers: Positions, count: int, key: tuple[int, ...]) -> Positions:
    """Returns the images of some numbers under a permutation of the numbers below `count`.

    Args:
      numbers: int64, of any shape, each from 0 to `count - 1`.
      count: how many numbers are permuted.
      key: not negative. Each key gives another permutation.

    Returns:
      int64, of the same shape. Memory for `count` numbers is taken only if `count` is at most 2^20.
    """
    return _drawn(count, key)[numbers] if count <= _LARGEST_DRAWN else computed(numbers, count, key)


# Two epochs of two orders: a batch may span two epochs, and batches are looked up ahead.
@functools.lru_cache(maxsize=6)
def _drawn(count: int, key: tuple[int, ...]) -> Positions:
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
    return generator.permutation(count).astype(np.int64)


def computed(numbers: Positions, count: int, key: tuple[int, ...]) -> Positions:
    """Returns the same as `permuted`, for any `count`, by the network."""
    # The left half is below `height`, the right half below `width`. So there are at most 2 sqrt(count) extra pairs.
    height = max(1, math.isqrt(count))
    width = -(-count // height)
    keys = np.random.SeedSequence(key).generate_state(_ROUNDS, np.uint64).astype(np.uint64)
    found = _network(numbers.astype(np.uint64), height, width, keys)
    while (outside := found >= count).any():
        found[outside] = _network(found[outside], height, width, keys)
    return found.astype(np.int64)


def _network(numbers: Words, height: int, width: int, keys: Words) -> Words:
    left, right = np.divmod(numbers, np.uint64(width))
    for turn, key in enumerate(keys):
        if turn % 2:
            right = (right + mixed(left ^ key) % np.uint64(width)) % np.uint64(width)
        else:
            left = (left + mixed(right ^ key) % np.uint64(height)) % np.uint64(height)
    return left * np.uint64(width) + right
