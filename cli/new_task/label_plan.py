"""Decides what a task learns, from the values of the label columns.

A wrong guess about the label costs more than a wrong guess about a feature: the whole task would answer another
question. So only clear cases are decided. The other cases are refused, with a message that says what to do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from limbeck.cli.new_task.summary import ColumnSummary, TableSummary
from limbeck.components.example_gen.csv_files import OTHER_DELIMITERS
from limbeck.errors import ConfigError, DataError, nearest

# Integers with more different values than this are amounts, not classes.
_MOST_CODES = 40
_MOST_CLASSES = 1_000
_TWO = 2
# A class needs rows for training, validation and test.
_FEW_ROWS = 10


@dataclasses.dataclass(frozen=True)
class LabelPlan:
    """The label that a task learns.

    Attributes:
      names: the columns of the label: one, or several for the objective `multi_label`.
      objective: `classes`, `binary`, `multi_label` or `regression`.
      kind: `integer`, `text` or `number`, as `limbeck.task.Label.kind`.
      classes: names of the classes, in the order of the logits; for other objectives as they ask for it.
      remarks: what is odd about the label.
      mean: for `regression`, the mean of the label; otherwise 0.
      deviation: for `regression`, the standard deviation of the label; otherwise 0.
    """

    names: tuple[str, ...]
    objective: str
    kind: str
    classes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: float = 0.0

    @property
    def outputs(self) -> int:
        """Length of the last axis of a model."""
        return {"classes": len(self.classes), "multi_label": len(self.names)}.get(self.objective, 1)


def columns_of(known: Sequence[str], text: str) -> tuple[str, ...]:
    """Returns those of a table's columns that `--label` names: one column, or several with commas between them.

    A column whose own name has a comma counts as one.

    Raises:
      ConfigError: if the table has no such column, or if a column is named twice.
      DataError: if another delimiter than the comma seems to divide the columns.
    """
    if text in known:
        return (text,)
    if len(known) == 1 and (other := next((one for one in OTHER_DELIMITERS if one in known[0]), None)):
        raise DataError(
            f"columns are divided by commas, but the table has one column, whose name has {OTHER_DELIMITERS[other]}: "
            f"'{known[0]}'. Write the table with commas"
        )
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--label names columns of the table, received '{name}'.{nearest(name, known)} "
                f"The columns are: {', '.join(known)}"
            )
    if len(set(names)) < len(names):
        raise ConfigError(f"--label names each column once, received {text}")
    return names


def plan(table: TableSummary, names: tuple[str, ...], format: str) -> LabelPlan:
    """Decides what is learnt.

    Args:
      table: the table.
      names: the label columns.
      format: format of the files. Only CSV can be read as texts, regardless of its values.

    Raises:
      DataError: if the values of a column cannot be learnt as a label.
    """
    columns = [table.column(name) for name in names]
    for column in columns:
        _assert_learnable(column)
    remarks = tuple(_unlabelled(columns, table.rows))
    if len(names) > 1:
        return LabelPlan(names, "multi_label", _assert_zero_one(columns), remarks=remarks)
    decided = _of_text(columns[0]) if columns[0].kind == "text" else _of_number(columns[0], format)
    return dataclasses.replace(decided, remarks=(*remarks, *_rare(columns[0], decided)))


def _assert_learnable(column: ColumnSummary) -> None:
    if column.kind not in {"integer", "number", "text"}:
        what = {"empty": "has no value at all", "list": "has several values in one row"}.get(
            column.kind, "holds bytes"
        )
        raise DataError(
            f"a label has one number or text in a row, but column '{column.name}' {what}: give another"
        )
    if column.distinct == 1:
        raise DataError(
            f"a label needs two different values, but column '{column.name}' is always "
            f"{next(iter(column.counts))}: give another"
        )


def _of_text(column: ColumnSummary) -> LabelPlan:
    if column.distinct > min(_MOST_CLASSES, column.present / 2):
        raise DataError(
            f"the texts of a label are classes, but column '{column.name}' has {column.distinct} different texts in "
            f"{column.present} rows: give a column with fewer, or numbers"
        )
    classes = tuple(sorted(column.counts))
    return LabelPlan((column.name,), _objective(classes), "text", classes)


def _of_number(column: ColumnSummary, format: str) -> LabelPlan:
    codes = sorted(int(float(value)) for value in column.counts) if column.whole else []
    if codes == [0, 1]:
        return LabelPlan((column.name,), "binary", "integer")
    if codes and codes == list(range(len(codes))) and len(codes) <= _MOST_CODES:
        return LabelPlan((column.name,), "classes", "integer", tuple(map(str, codes)))
    if not codes or len(codes) > _MOST_CODES or 2 * len(codes) > column.present:
        return LabelPlan((column.name,), "regression", "number", mean=column.mean, deviation=column.deviation)
    if format == "csv" and column.kind == "integer":
        return LabelPlan(
            (column.name,),
            _objective(codes),
            "text",
            tuple(map(str, codes)),
        )
    raise DataError(
        f"integers that are classes count from 0, but column '{column.name}' has {len(codes)} different values from "
        f"{codes[0]} to {codes[-1]}: number the classes from 0, or write them as texts"
    )


def _objective(classes: Sequence[object]) -> str:
    return "binary" if len(classes) == _TWO else "classes"


def _assert_zero_one(columns: Iterable[ColumnSummary]) -> str:
    for column in columns:
        if not column.whole or {int(float(value)) for value in column.counts} != {0, 1}:
            raise DataError(
                f"several label columns hold 0 and 1, but column '{column.name}' holds "
                f"{', '.join(list(column.counts)[:5])}: write 1 where the label applies, otherwise 0"
            )
    return "integer"


def _unlabelled(columns: Iterable[ColumnSummary], rows: int) -> Iterable[str]:
    for column in columns:
        if column.present < rows:
            yield f"{rows - column.present} of {rows} rows have no {column.name}: they count as unlabelled."


def _rare(column: ColumnSummary, decided: LabelPlan) -> Iterable[str]:
    if decided.objective in {"classes", "binary"}:
        rare = {value: rows for value, rows in sorted(column.counts.items()) if rows < _FEW_ROWS}
        if rare:
            told = ", ".join(f"{value} ({rows})" for value, rows in list(rare.items())[:8])
            yield f"Few rows to learn from: {told}{' and more' if len(rare) > 8 else ''}."  # noqa: PLR2004
