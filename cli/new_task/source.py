"""Writes the source of a new task, and its settings: plain text, from what was decided."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Sequence

from limbeck.cli.new_task.label_plan import LabelPlan
from limbeck.cli.new_task.roles import Assigned, Role

UTF8 = "utf-8"
_WIDTH = 110
# Optimizer steps after which small tables are learnt.
_STEPS = 3_000
_MOST_EPOCHS, _LEAST_EPOCHS = 200, 3
_BATCH = 64
# Small tables are memorised long before the last epoch.
_PATIENCE = 10
_TEST_SHARE = 0.1
# If a student misses two more test examples than its teachers, the score test of
# `limbeck.components.comparison.score_bound` proves that it misses at most six more.
_PROVABLE = 6


def module(name: str, data: str, format: str, label: LabelPlan, columns: Sequence[Assigned]) -> str:
    """Returns the source of the task.

    Args:
      name: name of the task.
      data: name of the table, for its first line.
      format: `csv`, `parquet` or `tfrecord`. Only CSV can be read as texts, regardless of its values.
      label: what is learnt.
      columns: roles of the other columns.
    """
    several = label.objective == "classes"
    scaled = label.objective == "regression"
    arguments = f"{'len(CLASSES)' if several else label.outputs}, hyperparameters{', SCALE' if scaled else ''}"
    parts = [
        f'"""{_sentence(", ".join(label.names))} from the columns of {_sentence(data)}: a first version."""',
        "",
        "from limbeck import Label, Task",
        f"from limbeck.tabular import {'Scale, Table' if scaled else 'Table'}",
        "",
        *_table(columns, codes="categories" if format == "csv" else "codes"),
        *([f"CLASSES = {_tuple(label.classes, 10)}"] if label.classes else []),
        *([f"SCALE = Scale(mean={label.mean:.4g}, deviation={label.deviation:.4g})"] if scaled else []),
        *_comments(label.remarks),
        "",
        "",
        "def preprocessing_fn(inputs):",
        "    return TABLE.preprocess(inputs)",
        "",
        "",
        "def build_teacher(hyperparameters):",
        f"    return TABLE.teacher({arguments})",
        "",
        "",
        "def build_student(hyperparameters):",
        f"    return TABLE.student({arguments})",
        "",
        "",
        "TASK = Task(",
        f"    name={json.dumps(name)},",
        "    features=TABLE.features,",
        f"    label={_label(label)},",
        "    preprocessing_fn=preprocessing_fn,",
        "    build_teacher=build_teacher,",
        "    build_student=build_student,",
        ")",
    ]
    return "\n".join(parts) + "\n"


def settings(path: str, format: str, encoding: str, split: str | None, rows: int) -> str:
    """Returns the settings of the task, as YAML.

    Args:
      path: absolute path or glob of the data.
      format: `csv`, `parquet` or `tfrecord`.
      encoding: encoding of CSV files.
      split: shares for `data.split`; None if the data are folders for each split.
      rows: number of rows.
    """
    epochs = min(_MOST_EPOCHS, max(_LEAST_EPOCHS, math.ceil(_STEPS * _BATCH / rows)))
    tolerance = min(1.0, max(0.05, round(_PROVABLE / (_TEST_SHARE * rows), 2)))
    lines = [
        "data:",
        f"  path: {json.dumps(path, ensure_ascii=False)}",
        f"  format: {format}",
        *([f"  encoding: {json.dumps(encoding)}"] if encoding != UTF8 else []),
        *([f"  split: {split}  # by a hash of each row; see docs/data.md for group and time"] if split else []),
        "strategy:",
        "  name: one_device",
        "training:",
        f"  epochs: {epochs}  # at most: about {math.ceil(epochs * rows / _BATCH):,} steps",
        f"  batch_size: {_BATCH}",
        "  learning_rate: 0.003",
        f"  early_stopping_patience: {_PATIENCE}  # epochs without a better validation split",
        "teachers:",
        "  count: 3",
        "gate:",
        f"  tolerance: {tolerance:g}  # how far the student may be below its teachers, for sure",
    ]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[Assigned], codes: str) -> list[str]:
    doubtful = [_remarked(column) for column in _of(columns, "number") if column.remark]
    unused = [_remarked(column) for column in _of(columns, "unused")]
    lines = ["TABLE = Table("]
    if numbers := [column.name for column in _of(columns, "number")]:
        lines += [f"    numbers={_tuple(numbers, 4)},"]
    if doubtful:
        lines += _comments([f"Move one that is a code, not an amount, to {codes}: {', '.join(doubtful)}."], 4)
    if categories := {column.name: column.values for column in _of(columns, "category")}:
        lines += [f"    categories={_mapping(categories)},"]
    lines += [")"]
    return lines + _comments([f"Left out: {', '.join(unused)}."] if unused else [])


def _of(columns: Iterable[Assigned], role: Role) -> list[Assigned]:
    return [column for column in columns if column.role == role]


def _remarked(column: Assigned) -> str:
    return f"{_quoted(column.name)} ({column.remark})"


def _label(label: LabelPlan) -> str:
    several = len(label.names) > 1
    arguments = [_quoted("labels" if several else label.names[0])]
    if several:
        arguments.append(f"columns={_tuple(label.names, 4)}")
    if label.classes:
        arguments.append("classes=CLASSES")
    if label.kind != "integer":
        arguments.append(f'kind="{label.kind}"')
    if label.objective != "classes":
        arguments.append(f'objective="{label.objective}"')
    return f"Label({', '.join(arguments)})"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _tuple(values: Sequence[str], indent: int) -> str:
    return _wrapped("(", [*map(_quoted, values)], ",)" if len(values) == 1 else ")", indent)


def _mapping(values: dict[str, int]) -> str:
    return _wrapped("{", [f"{_quoted(name)}: {number}" for name, number in values.items()], "}", 4)


def _wrapped(begin: str, parts: Sequence[str], end: str, indent: int) -> str:
    """Returns the parts on one line. If the line would be too long, fills several lines."""
    line = f"{begin}{', '.join(parts)}{end}"
    if len(line) + indent + 12 <= _WIDTH:
        return line
    inner = " " * 8 if indent == 4 else " " * 4  # noqa: PLR2004
    rows: list[str] = [""]
    for part in parts:
        if rows[-1] and len(inner) + len(rows[-1]) + len(part) + 2 > _WIDTH:
            rows.append("")
        rows[-1] += (" " if rows[-1] else "") + part + ","
    outer = inner[:-4]
    return "\n".join([begin, *(inner + row for row in rows), outer + end.lstrip(",")])


def _comments(sentences: Iterable[str], indent: int = 0) -> list[str]:
    space = " " * indent
    return [
        line
        for sentence in sentences
        for line in textwrap.wrap(
            _sentence(sentence),
            _WIDTH,
            initial_indent=f"{space}# ",
            subsequent_indent=f"{space}#   ",
            break_long_words=False,
        )
    ]


def _sentence(text: str) -> str:
    """Returns a text that ends neither a comment nor a docstring, and holds nothing that source code must not."""
    plain = text.replace("\\", "/").replace('"""', "'''").replace("\0", " ")
    return " ".join(plain.split())
