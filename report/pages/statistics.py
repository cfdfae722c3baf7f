"""The page with the statistics of the data: each column, in each split."""

from __future__ import annotations

import dataclasses

from limbeck.report.pages.page import draw

FILE = "statistics.html"
TITLE = "Statistics of the data"


@dataclasses.dataclass(frozen=True)
class Numbers:
    """The numbers of a column.

    Attributes:
      minimum: the smallest.
      median: the median.
      maximum: the largest.
      mean: their mean.
      deviation: their standard deviation.
      zeros: how many are 0.
      bars: how many lie in each of several ranges of equal width, from the smallest number to the largest.
    """

    minimum: float
    median: float
    maximum: float
    mean: float
    deviation: float
    zeros: int
    bars: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Texts:
    """The texts of a column: how many different ones, the most common with their counts, and their mean length."""

    distinct: int
    common: tuple[tuple[str, int], ...]
    mean_length: float = 0.0


@dataclasses.dataclass(frozen=True)
class Column:
    """A column in one split.

    Attributes:
      name: its name.
      rows: rows of the split.
      missing: rows without a value.
      values: what it holds; None if that is neither numbers nor texts.
    """

    name: str
    rows: int
    missing: int
    values: Numbers | Texts | None


@dataclasses.dataclass(frozen=True)
class Split:
    """A split: its name, its number of rows, and its columns."""

    name: str
    rows: int
    columns: tuple[Column, ...]


@dataclasses.dataclass(frozen=True)
class _Row:
    """A column in one split, as a row of a table."""

    split: str
    rows: int
    missing: str
    values: Numbers | Texts | None
    heights: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class _View:
    splits: tuple[Split, ...]
    numbers: tuple[tuple[str, tuple[_Row, ...]], ...]
    texts: tuple[tuple[str, tuple[_Row, ...]], ...]


def render(task: str, splits: tuple[Split, ...]) -> str:
    """Returns the page.

    Args:
      task: name of the task.
      splits: the splits, in the order in which they are shown.
    """
    names = list(dict.fromkeys(column.name for split in splits for column in split.columns))
    found = {
        name: [(split.name, column) for split in splits for column in split.columns if column.name == name]
        for name in names
    }
    texts = {name for name, some in found.items() if any(isinstance(column.values, Texts) for _, column in some)}
    rows = {name: tuple(_row(split, column) for split, column in some) for name, some in found.items()}
    view = _View(
        splits,
        tuple((name, some) for name, some in rows.items() if name not in texts),
        tuple((name, some) for name, some in rows.items() if name in texts),
    )
    return draw("statistics", TITLE, task, view)


def _row(split: str, column: Column) -> _Row:
    bars = column.values.bars if isinstance(column.values, Numbers) else ()
    highest = max(bars, default=0.0)
    heights = tuple(bar / highest for bar in bars) if highest else ()
    missing = f"{column.missing:,} ({100 * column.missing / column.rows:.1f} %)" if column.missing else "0"
    return _Row(split, column.rows, missing, column.values, heights)
