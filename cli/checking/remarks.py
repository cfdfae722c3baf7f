"""Finds oddities in the data, from the counts of a sample."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.cli.checking.outcome import Column, Data
from limbeck.examples import TRAIN

_MISSING_SHARE = 0.05
_IDENTIFIER_SHARE, _IDENTIFIER_ROWS = 0.95, 50
_FEW_EXAMPLES = 10
_IMBALANCE = 10
_MOST_NAMES = 5


def remarks(data: Data) -> list[str]:
    """Returns a sentence for each oddity: columns first, then labels, then equal rows."""
    return [*_of_columns(data), *_of_labels(data), *_of_rows(data)]


def _of_columns(data: Data) -> Iterator[str]:
    for column in data.columns:
        if column.missing == column.rows:
            yield f"column '{column.name}' has no value in any row: leave it out of the task's features"
        elif column.constant:
            yield f"column '{column.name}' has the same value in every row, so no model can learn from it"
        elif _is_identifier(column):
            yield (
                f"column '{column.name}' has another text in nearly every row ({column.distinct:,} of "
                f"{column.rows - column.missing:,}): leave it out if it is an identifier, from which no model can learn"
            )
        if _MISSING_SHARE < column.missing / column.rows < 1:
            yield f"column '{column.name}' has no value in {_share(column.missing, column.rows)} of the rows"


def _is_identifier(column: Column) -> bool:
    there = column.rows - column.missing
    return (
        column.distinct is not None and there >= _IDENTIFIER_ROWS and column.distinct >= _IDENTIFIER_SHARE * there
    )


def _of_labels(data: Data) -> Iterator[str]:
    rows = data.rows.get(TRAIN, 0)
    if data.unlabelled:
        yield f"{_share(data.unlabelled, rows)} of the training rows have no label"
    if not data.classes:
        return
    counts = {name: data.labels.get(name, 0) for name in data.classes}
    absent = [name for name, count in counts.items() if not count]
    rare = [f"{name!r} ({count})" for name, count in counts.items() if 0 < count < _FEW_EXAMPLES]
    if absent:
        yield f"no training row has the label {_listed([repr(name) for name in absent])}"
    if rare:
        yield (
            f"{'a label is' if len(rare) == 1 else 'labels are'} rare among the training rows: {_listed(rare)}; "
            "figures of them will be little more than chance"
        )
    most, least = max(counts.values()), min((count for count in counts.values() if count), default=0)
    if least and most >= _IMBALANCE * least:
        common = max(counts, key=lambda name: counts[name])
        yield (
            f"the labels are imbalanced: the most common, {common!r}, has {most / least:.0f} times as many training "
            f"rows as the rarest, and {_share(most, sum(counts.values()))} of all, which a model that always says "
            f"{common!r} gets right"
        )


def _of_rows(data: Data) -> Iterator[str]:
    if data.duplicates:
        yield f"{_share(data.duplicates, data.rows[TRAIN])} of the training rows equal another training row"
    for split, count in data.leaked.items():
        if count:
            yield (
                f"{_share(count, data.rows[split])} of the rows of split '{split}' equal a training row, so figures of "
                "this split flatter a model that remembers"
            )


def _share(count: int, of: int) -> str:
    return f"{count:,} of {of:,} ({100 * count / of:.{0 if count * 100 >= of else 1}f} %)"


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
