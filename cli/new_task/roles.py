"""Decides how a task uses each column: as a number, as a category, or not at all; and notes what is doubtful.

The rules look at few figures, so that a user can follow them. A remark goes into the task that is written, because that
is where a user corrects a wrong guess.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from limbeck.cli.new_task.summary import ColumnSummary, TableSummary
from limbeck.errors import DataError

Role = Literal["number", "category", "unused"]

# If a category has more values than this, the rarest of them share one place.
MOST_CATEGORIES = 1_000
# Texts that nearly all differ, or are long, are not categories but ids, names or sentences.
_DISTINCT_SHARE = 0.5
_LONGEST_CATEGORY = 60
# Whole numbers with at most this many different values may be codes.
_FEW = 20
# If a value occurs in fewer rows than this, a network cannot learn from it.
_LEAST_PRESENT = 2


@dataclasses.dataclass(frozen=True)
class Assigned:
    """The role of one column.

    Attributes:
      name: its name.
      role: its role.
      values: for a category, the number of values that have their own place; otherwise 0.
      remark: what is doubtful, or why it is unused; empty if nothing is.
    """

    name: str
    role: Role
    values: int = 0
    remark: str = ""


def assign(table: TableSummary, labels: tuple[str, ...]) -> tuple[Assigned, ...]:
    """Assigns a role to each column that is not a label, in the order of the file."""
    return tuple(_assigned(column, table.rows) for column in table.columns if column.name not in labels)


def _assigned(column: ColumnSummary, rows: int) -> Assigned:
    if reason := _useless(column, rows):
        return Assigned(column.name, "unused", remark=reason)
    if column.kind == "text":
        return _text(column)
    if column.distinct == column.present == rows and column.whole and _counts_up(column):
        return Assigned(column.name, "unused", remark="counts the rows")
    if column.whole and _LEAST_PRESENT < column.distinct <= _FEW:
        return Assigned(column.name, "number", remark=f"{column.distinct} different whole numbers")
    return Assigned(column.name, "number")


def _useless(column: ColumnSummary, rows: int) -> str:
    if column.kind == "empty":
        return "no row has a value"
    if column.kind == "bytes":
        return "bytes, such as a picture"
    if column.kind == "list":
        return "several values in one row"
    if column.distinct == 1 and column.present == rows:
        return f"always {next(iter(column.counts))[:40]}"
    if column.present < _LEAST_PRESENT:
        return "one row has a value"
    return ""


def _text(column: ColumnSummary) -> Assigned:
    if column.longest > _LONGEST_CATEGORY:
        return Assigned(column.name, "unused", remark=f"texts of up to {column.longest} characters")
    if column.distinct > _DISTINCT_SHARE * column.present:
        return Assigned(
            column.name, "unused", remark=f"{column.distinct} different texts in {column.present} rows"
        )
    return Assigned(column.name, "category", min(column.distinct, MOST_CATEGORIES))


def _counts_up(column: ColumnSummary) -> bool:
    """Returns whether the values are n consecutive integers: the number of the row, or an id."""
    if len(column.counts) < column.distinct:
        return False
    numbers = [int(float(value)) for value in column.counts]
    return max(numbers) - min(numbers) + 1 == len(numbers)


def assert_some(columns: tuple[Assigned, ...]) -> None:
    """Raises DataError if no column is used."""
    if all(column.role == "unused" for column in columns):
        told = "; ".join(f"'{column.name}': {column.remark}" for column in columns) or "there is none"
        raise DataError(
            f"a task needs a column besides its label that tells something, but of these none does: {told}"
        )
