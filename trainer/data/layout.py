"""The positions of the columns in a row of a packed split: arithmetic on names and sizes, without data or TensorFlow.

Every tf.Example contains the name of each feature and the number of its values. Parsing them in every epoch takes
longer than reading them. Here the names are written once, and every example is a row of the same width.

The obvious way is a file for each column. But a batch takes its examples from random positions, so it would touch one
page of memory for each example *and column*. In a row, all columns of an example are side by side.

A row is made of 64-bit words, little-endian:

  integers   the values of all int64 columns
  streams    three words for each stream: first position, number of values, checksum of the values
  floats     the values of all float32 columns, two in a word, padded with a zero

A stream is a file of values, one example after the other. Each column with a variable number of values has a stream.
Features that columns cannot hold (texts, and features that consist of several others) stay in the serialized examples,
which are the last stream, of bytes.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative

Words = npt.NDArray[np.uint64]
_STREAM_WORDS = 3


@dataclass(frozen=True, config=STRICT)
class Column:
    """A numeric feature.

    Attributes:
      name: name of the transformed feature.
      dtype: dtype of its values.
      size: number of values of each example, flat; None: any number.
    """

    name: str
    dtype: Literal["int64", "float32"]
    size: NotNegative | None


@dataclass(frozen=True, config=STRICT)
class Layout:
    """The columns of a packed split.

    Attributes:
      columns: the columns.
      serialized: whether the serialized examples are kept, too.
    """

    columns: tuple[Column, ...]
    serialized: bool = False

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ConfigError(f"columns have different names, received {names}")

    def column(self, name: str) -> Column | None:
        """Returns the column with this name; None if there is none."""
        return next((column for column in self.columns if column.name == name), None)

    def fixed(self, dtype: str) -> list[Column]:
        """Returns the columns of a dtype with the same number of values in each example, in the order of the row."""
        return [column for column in self.columns if column.dtype == dtype and column.size is not None]

    @property
    def variable(self) -> list[Column]:
        """The columns with a variable number of values, in the order of their streams."""
        return [column for column in self.columns if column.size is None]

    @property
    def streams(self) -> list[npt.DTypeLike]:
        """The dtype of each stream."""
        return [*(column.dtype for column in self.variable), *(["uint8"] if self.serialized else [])]

    @property
    def words(self) -> int:
        """Number of words of a row."""
        return self._floats_begin + -(-self._size("float32") // 2)

    def sizes(self, dtype: str) -> list[int]:
        """Returns the number of values of each column that `fixed` returns."""
        return [column.size or 0 for column in self.fixed(dtype)]

    def place(self, column: Column) -> slice:
        """Returns where the values of a column of fixed size are in `integers` or `floats`."""
        begins = itertools.accumulate(self.sizes(column.dtype), initial=0)
        begin = dict(zip((one.name for one in self.fixed(column.dtype)), begins, strict=False))[column.name]
        return slice(begin, begin + (column.size or 0))

    def integers(self, rows: Words) -> npt.NDArray[np.int64]:
        """Returns the int64 values in rows, a view: rows `[n, words]` -> `[n, values]`."""
        return rows[:, : self._size("int64")].view(np.int64)

    def floats(self, rows: Words) -> npt.NDArray[np.float32]:
        """Returns the float32 values in rows, a view: rows `[n, words]` -> `[n, values]`."""
        begin = 2 * self._floats_begin
        return rows.view(np.float32)[:, begin : begin + self._size("float32")]

    def values(self, rows: Words, name: str) -> npt.NDArray[Any]:
        """Returns the values of a column of fixed size in rows, a view: rows `[n, words]` -> `[n, size]`.

        Raises:
          KeyError: if there is no such column.
        """
        column = self.column(name)
        if column is None or column.size is None:
            raise KeyError(name)
        values = self.integers(rows) if column.dtype == "int64" else self.floats(rows)
        return values[:, self.place(column)]

    def stream(self, rows: Words, number: int) -> Words:
        """Returns the three words of a stream in rows, a view: rows `[n, words]` -> `[n, 3]`."""
        begin = self._size("int64") + _STREAM_WORDS * number
        return rows[:, begin : begin + _STREAM_WORDS]

    @property
    def _floats_begin(self) -> int:
        return self._size("int64") + _STREAM_WORDS * len(self.streams)

    def _size(self, dtype: str) -> int:
        return sum(self.sizes(dtype))


@dataclasses.dataclass(frozen=True)
class Spans:
    """Which values of a stream belong to each of some rows.

    Attributes:
      begins: int64 `[rows]`, the first value of each row.
      counts: int64 `[rows]`, the number of values of each row.
    """

    begins: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    @property
    def within(self) -> npt.NDArray[np.int64]:
        """The position of each value within its row: int64 `[values]`."""
        return np.arange(self.counts.sum(), dtype=np.int64) - np.repeat(
            follow_each_other(self.counts), self.counts
        )

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """The position of each value in the stream, row by row: int64 `[values]`."""
        return np.repeat(self.begins, self.counts) + self.within


def follow_each_other(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns where each span begins if the spans follow each other without gaps: int64 `[spans]`."""
    return np.cumsum(counts, dtype=np.int64) - counts
