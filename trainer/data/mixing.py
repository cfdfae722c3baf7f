"""Mixes the bits of many words at once, by the output function of SplitMix64 (Steele, Lea and Flood, 2014)."""

from __future__ import annotations

import numpy as np

from limbeck.trainer.data.layout import Words

# The increment of SplitMix64's state for each number.
GAMMA = np.uint64(0x9E3779B97F4A7C15)
_STEPS = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


def mixed(words: Words) -> Words:
    """Mixes the bits of each word in place, and returns the words: uint64, of any shape. It is a bijection."""
    for shift, multiplier in _STEPS:
        words ^= words >> np.uint64(shift)
        words *= multiplier
    words ^= words >> np.uint64(31)
    return words
