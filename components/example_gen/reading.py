"""How the executor reads a file, whatever its format is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol

from limbeck.components.example_gen.blocks import RowBlock
from limbeck.components.example_gen.columns import Columns, Evidence
from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.rows import Row


class RowReader(Protocol):
    """A format."""

    def rows(self, path: str, kinds: Columns) -> Iterator[Row]:
        """Yields place, example and raw values of each row of a file."""

    def blocks(self, path: str, kinds: Columns) -> Iterator[RowBlock]:
        """Yields the same rows in blocks, which are counted and serialized together."""

    def about(self, path: str) -> int:
        """Returns about how many rows a file has."""

    def column(self, path: str, name: str) -> Iterator[tuple[str, Any]]:
        """Yields place and raw value of one column for each row."""


class TableFiles(RowReader, Protocol):
    """A format whose files have columns."""

    @property
    def declaration(self) -> Declaration:
        """What the task declares."""

    def names(self, path: str) -> tuple[str, ...]:
        """Returns the names of the columns of a file."""

    def evidence(self, path: str) -> Evidence:
        """Returns what the columns of a file hold."""

    def settle(self, found: Evidence) -> Columns:
        """Returns the kind of each column, from the evidence of all files of all splits."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """The reader, and the kinds of the whole input's columns (a side input if they must be found first)."""

    reader: RowReader
    kinds: Any
