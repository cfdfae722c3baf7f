"""Single rows, as a reader yields them if it is not asked for blocks."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from limbeck.chunks import chunks
from limbeck.components.example_gen.blocks import BLOCK_ROWS, ExampleBlock, RowBlock
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

    @abc.abstractmethod
    def rows(self, path: str, kinds: Columns) -> Iterator[Row]:
        """Yields the rows of a file.

        Args:
          path: path of the file.
          kinds: kinds of the columns of the whole input. A column that has none is left out of the example.
        """

    def blocks(self, path: str, kinds: Columns) -> Iterator[RowBlock]:
        """Reads the file as `rows` does. Yields blocks of rows."""
        for block in chunks(self.rows(path, kinds), BLOCK_ROWS):
            places, examples, values = zip(*block, strict=True)
            yield ExampleBlock(places, examples, values.__getitem__)
