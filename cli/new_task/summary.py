"""What the columns of a table hold, in plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

ColumnKind = Literal["integer", "number", "text", "bytes", "list", "empty"]


@dataclasses.dataclass(frozen=True)
class ColumnSummary:
    """One column.

    Attributes:
      name: its name.
      kind: kind of all its values. `bytes` are not UTF-8, `list` has several values in one row, `empty` has none.
      present: number of rows with a value.
      counts: number of rows by value, as the values are written; values beyond `MOST_VALUES` different ones are not
        counted.
      distinct: number of different values.
      whole: whether all numbers are whole; False for other kinds.
      longest: number of characters of the longest text; 0 for other kinds.
      mean: of all numbers; 0 for other kinds.
      deviation: standard deviation of all numbers; 0 for other kinds.
    """

    name: str
    kind: ColumnKind
    present: int
    counts: Mapping[str, int]
    distinct: int
    whole: bool = False
    longest: int = 0
    mean: float = 0.0
    deviation: float = 0.0


@dataclasses.dataclass(frozen=True)
class TableSummary:
    """A table.

    Attributes:
      rows: number of rows that were read.
      columns: its columns, in the order of the file.
    """

    rows: int
    columns: tuple[ColumnSummary, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ColumnSummary:
        """Returns the column of this name. Raises KeyError if there is none."""
        return {column.name: column for column in self.columns}[name]


MOST_VALUES = 10_000
