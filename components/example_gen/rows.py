"""What a reader yields where a row is asked for, and not a block of them."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from limbeck.components.example_gen.blocks import Block, ExampleBlock, in_blocks
from limbeck.components.example_gen.columns import Columns

if TYPE_CHECKING:
    import tensorflow as tf


class Row(NamedTuple):
    """One row of a file.

    Attributes:
      place: file and line, or record, for messages.
      example: what the row is read into.
      values: the values of the row by column, as the file holds them: texts, bytes, numbers, dates, None, or lists of
        these. They do not depend on other rows, while the example depends on the kinds of the columns.
    """

    place: str
    example: tf.train.Example
    values: Mapping[str, Any]


class TableRows(abc.ABC):
    """Reads the rows of a format whose files have columns."""

    def rows(self, path: str, kinds: Columns) -> Iterator[Row]:
        """Reads the file as `cells` does. Yields the raw values besides, by the names of their columns."""
        for place, example, names, values in self.cells(path, kinds):
            yield Row(place, example, dict(zip(names, values, strict=True)))

    def blocks(self, path: str, kinds: Columns) -> Iterator[Block]:
        """Reads the file as `rows` does. Yields blocks of rows."""
        for block in in_blocks(self.rows(path, kinds)):
            places, examples, values = zip(*block, strict=True)
            yield ExampleBlock(places, examples, values.__getitem__)

    @abc.abstractmethod
    def cells(
        self, path: str, kinds: Columns
    ) -> Iterator[tuple[str, tf.train.Example, Sequence[str], Sequence[Any]]]:
        """Yields place and example of each row, with the names of all columns and the raw values of the row.

        Args:
          path: path of the file.
          kinds: kinds of the columns of the whole input. A column that has none is left out of the example.
        """
