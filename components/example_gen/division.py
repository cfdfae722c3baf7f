"""Which split a row falls into: by a hash of its content, by a hash of its group, or by its time. Pure functions.

A hash decides about each row by itself. So the order, the number and the compression of the files do not matter, and a
row that is added moves no other row. A random number would draw every row again with each new file.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping
from typing import Any

from pydantic.dataclasses import dataclass

from limbeck.components.example_gen.canonical import HASHES, canonical, digest, row_digest
from limbeck.components.example_gen.moments import Cuts, Moment
from limbeck.errors import DataError
from limbeck.examples import SPLITS
from limbeck.records import STRICT
from limbeck.settings.data import EXAMPLE_OF_SPLIT, shares


@dataclass(frozen=True, config=STRICT)
class Division:
    """How rows are divided. `limbeck.settings.data.DataConfig` describes the attributes."""

    split: str
    group: str | None = None
    time: str | None = None


def split_of(division: Division, values: Mapping[str, Any], labels: Collection[str]) -> str:
    """Returns the split of a row that is divided by a hash.

    Args:
      division: names no column of times.
      values: raw values of the row.
      labels: columns that say what is known of the label. The hash leaves them out. So a row stays in its split when
        its label arrives, and rows that differ only in their label are in one split.
    """
    if division.group is not None and canonical(values.get(division.group)):
        return split_of_hash(division, digest(values, [division.group]))
    # A row without a group is a group of its own.
    return split_of_hash(division, row_digest(values, labels))


def split_of_hash(division: Division, hashed: int) -> str:
    """Returns the split whose part of the range of `canonical.digest` holds a hash."""
    return next(split for split, end in zip(SPLITS, _hash_ends(division.split), strict=True) if hashed < end)


def split_of_moment(cuts: Cuts, moment: Moment) -> str:
    """Returns the split of a row that is divided by time."""
    return next((split for split, first in reversed(cuts.firsts) if cuts.reached(moment, first)), SPLITS[0])


def boundaries(division: Division, examples: int) -> list[int]:
    """Returns, for each split but the first, how many older rows a row must have to be in it, or in a later split."""
    return [math.ceil(end * examples) for end in _ends(division.split)[:-1]]


def assert_filled(division: Division, counts: Mapping[str, int]) -> None:
    """Raises DataError if a split has no example.

    Args:
      division: how the rows were divided.
      counts: number of examples with or without a label by split, without those of `data.unlabelled`.
    """
    if all(counts.get(split) for split in SPLITS):
        return
    reason = "few rows"
    if division.group is not None:
        reason = f"few values of '{division.group}', or one value in most rows"
    elif division.time is not None:
        reason = f"few rows, or few values of '{division.time}' (rows of one time stay together)"
    raise DataError(
        f"data.split={division.split} leaves a split without an example: {told(counts)}. The data have {reason}: add "
        f"rows, or give the split a larger share than in data.split={division.split}"
        + ("" if division.split == EXAMPLE_OF_SPLIT else f" (such as {EXAMPLE_OF_SPLIT})")
    )


def told(counts: Mapping[str, int]) -> str:
    """Returns the number of examples of each split, and their share, in words."""
    whole = sum(counts.get(split, 0) for split in SPLITS)
    return ", ".join(
        f"{split} has {counts.get(split, 0)} of {whole} examples ({counts.get(split, 0) / max(whole, 1):.1%})"
        for split in SPLITS
    )


@functools.cache
def _hash_ends(split: str) -> tuple[int, ...]:
    """Returns the first hash beyond the part of each split. Kept, because every row asks for it."""
    return tuple(math.ceil(end * HASHES) for end in _ends(split))


def _ends(split: str) -> tuple[Any, ...]:
    """Returns where the part of each split ends, as exact fractions; the last is 1."""
    first, second, _ = shares(split)
    return first, first + second, 1
