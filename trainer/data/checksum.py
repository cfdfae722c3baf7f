"""Check sums of many examples at once.

A CRC is one call for each example, which takes longer than to read the example. A sum of words is fast, but two swapped
words have the same sum. Here each word is mixed with a key of its place, and the mixed words are summed. Mixing is a
bijection, so a change of one word always changes the sum. Other changes leave it as it is with a chance of about 2^-64.
It finds damage, and no intent.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from limbeck.trainer.data.layout import Spans, Words

# SplitMix64 (Steele, Lea and Flood, 2014): increment and the two multipliers of its output function.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def keys(text: str, words: int) -> Words:
    """Returns a key for each of `words` words. The keys of another text are others."""
    seed = np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], "<u8")
    return _mixed(np.arange(1, words + 1, dtype=np.uint64) * _GAMMA + seed)


def of_rows(rows: Words, place_keys: Words) -> Words:
    """Returns the check sum of each row: rows `[n, words]`, keys `[words]` -> `[n]`."""
    sums: Words = _mixed(rows ^ place_keys).sum(axis=1, dtype=np.uint64)
    return sums


def of_values(values: npt.NDArray[np.generic], spans: Spans) -> Words:
    """Returns the check sum of each row's values.

    Args:
      values: int64, float32 or uint8 `[values]`, row by row.
      spans: how many belong to each row.
    """
    bits = values.view(f"u{values.dtype.itemsize}").astype(np.uint64)
    mixed = _mixed(bits ^ ((spans.within.astype(np.uint64) + np.uint64(1)) * _GAMMA))
    until = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    ends = np.cumsum(spans.counts)
    return until[ends] - until[ends - spans.counts]


def _mixed(words: Words) -> Words:
    """Mixes the bits of each word, in place."""
    for shift, multiplier in ((30, _FIRST), (27, _SECOND)):
        words ^= words >> np.uint64(shift)
        words *= multiplier
    words ^= words >> np.uint64(31)
    return words
