"""Blocks of consecutive rows of a file, which are counted and serialized together.

A `tf.train.Example` for each row costs more than all other work on a row of a table. Each value takes a call of
protobuf, and its kind is determined again when the row is counted. If a format has one value of a known kind in each
column, all this is done column by column (`limbeck.components.example_gen.text_block`). Other formats yield finished
examples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.inspection import SplitSummary

if TYPE_CHECKING:
    import tensorflow as tf

# This many rows of a table with a thousand columns fit into the memory of any machine.
BLOCK_ROWS = 1024


class RowBlock(Protocol):
    """Rows of one file."""

    def values(self) -> Iterable[Mapping[str, Any]]:
        """Returns the raw values of each row by column, as in `limbeck.components.example_gen.rows.Row`."""

    def select(self, rows: Sequence[int]) -> RowBlock:
        """Returns some of the rows, by their places in the block."""

    def records(self, summary: SplitSummary, declaration: Declaration) -> list[bytes]:
        """Counts the rows in the summary of a split. Returns their serialized tf.Examples."""


@dataclasses.dataclass(frozen=True)
class ExampleBlock:
    """Rows that have been read into examples.

    Attributes:
      places: file and line, or record, of each row.
      examples: of each row.
      values_of: returns the raw values of a row, from its position in the block.
    """

    places: Sequence[str]
    examples: Sequence[tf.train.Example]
    values_of: Callable[[int], Mapping[str, Any]]

    def values(self) -> Iterator[Mapping[str, Any]]:
        """Yields the raw values of each row by column."""
        return map(self.values_of, range(len(self.places)))

    def select(self, rows: Sequence[int]) -> ExampleBlock:
        """Returns some of the rows, by their places in the block."""
        chosen = tuple(rows)
        return ExampleBlock(
            [self.places[row] for row in chosen],
            [self.examples[row] for row in chosen],
            lambda row: self.values_of(chosen[row]),
        )

    def records(self, summary: SplitSummary, declaration: Declaration) -> list[bytes]:
        """Counts the rows in the summary of a split. Returns their serialized tf.Examples."""
        for example, place in zip(self.examples, self.places, strict=True):
            summary.take(example, place, declaration)
        return [serialize(example) for example in self.examples]


def serialize(example: tf.train.Example) -> bytes:
    """Returns the same bytes for the same features in every process."""
    return bytes(example.SerializeToString(deterministic=True))
