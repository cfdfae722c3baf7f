"""Computes checksums of many examples at once.

A CRC needs one call for each example, which takes longer than reading the example. A sum of words is fast, but it does
not change if two words are swapped. Here each word is mixed with a key of its position, and the mixed words are summed.
Mixing is a bijection, so a change of one word always changes the sum. Other changes keep the sum with a probability of
about 2^-64. The checksum finds accidental damage, but no deliberate changes.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from limbeck.trainer.data.layout import Spans, Words
from limbeck.trainer.data.mixing import GAMMA, mixed


def keys(text: str, words: int) -> Words:
    """Returns a key for each of `words` words. Different texts give different keys."""
    seed = np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], "<u8")
    return mixed(np.arange(1, words + 1, dtype=np.uint64) * GAMMA + seed)


def of_rows(rows: Words, place_keys: Words) -> Words:
    """Returns the checksum of each row: rows `[n, words]`, keys `[words]` -> `[n]`."""
    sums: Words = mixed(rows ^ place_keys).sum(axis=1, dtype=np.uint64)
    return sums


def of_values(values: npt.NDArray[np.generic], spans: Spans) -> Words:
    """Returns the checksum of each row's values.

    Args:
      values: int64, float32 or uint8 `[values]`, row by row.
      spans: which values belong to each row.
    """
    bits = values.view(f"u{values.dtype.itemsize}").astype(np.uint64)
    each = mixed(bits ^ ((spans.within.astype(np.uint64) + np.uint64(1)) * GAMMA))
    until = np.concatenate([np.zeros(1, np.uint64), np.cumsum(each, dtype=np.uint64)])
    ends = np.cumsum(spans.counts)
    return until[ends] - until[ends - spans.counts]
