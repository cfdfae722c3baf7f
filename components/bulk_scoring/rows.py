"""Reads raw rows for a model as ExampleGen does, but only their features, so the rows need no label.

An error that is *marked* (`limbeck.beam_processes.faults`) keeps its type and message when it passes through Beam.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from limbeck.beam_processes import faults
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.components.example_gen import inspection
from limbeck.components.example_gen.columns import Columns, Evidence
from limbeck.components.example_gen.csv_files import CsvFiles
from limbeck.components.example_gen.declaration import Declaration, declaration_of
from limbeck.components.example_gen.parquet_files import ParquetFiles
from limbeck.components.example_gen.reading import RowReader, TableFiles
from limbeck.components.example_gen.tfrecord_files import TFRecordFiles
from limbeck.errors import DataError, nearest
from limbeck.task import Task


class Key(NamedTuple):
    """Which row an answer belongs to: its place, and its kept values in the order of `ScoringJob.keep`."""

    place: str
    kept: tuple[str | None, ...]


def features_of(task: Task) -> Declaration:
    """Returns the declaration of the task's features, without its label."""
    names = {feature.name for feature in task.features}
    return {name: declared for name, declared in declaration_of(task).items() if name in names}


def required(task: Task) -> tuple[str, ...]:
    """Returns the features that every row must have, because the task gives them no default."""
    return tuple(feature.name for feature in task.features if feature.default is None)


def reader_of(job: ScoringJob, declaration: Declaration) -> RowReader:
    """Returns the reader of the job's format."""
    if job.format == "csv":
        return CsvFiles(job.encoding, declaration)
    return ParquetFiles(declaration) if job.format == "parquet" else TFRecordFiles()


def evidence(path: str, reader: TableFiles, needed: Sequence[str]) -> Evidence:
    """Returns what the declared columns of a file hold.

    Raises:
      DataError: marked, if the file lacks a column that is needed.
    """
    with faults.marked():
        names = reader.names(path)
        for name in needed:
            if name not in names:
                raise DataError(
                    f"{path} has no column '{name}', which the model needs.{nearest(name, names)} Rename the column, "
                    "or leave the file out"
                )
        return {name: one for name, one in reader.evidence(path).items() if name in reader.declaration}


def settle(found: Evidence, reader: TableFiles) -> Columns:
    """Returns the kinds of the declared columns. Raises a marked DataError if a column holds another kind."""
    with faults.marked():
        return reader.settle(found)


def read(
    path: str,
    kinds: Columns,
    reader: RowReader,
    keep: tuple[str, ...],
    task_features: tuple[Declaration, tuple[str, ...]],
) -> Iterator[tuple[Key, bytes]]:
    """Yields key and serialized tf.Example of each row.

    Args:
      path: path of a file.
      kinds: kinds of its columns; empty for TFRecord files.
      reader: of its format.
      keep: columns whose values are kept.
      task_features: the declaration of the task's features, and the names of the features that every row must have.

    Raises:
      DataError: marked, if a row lacks a needed value or a kept column, or holds a value of another kind than declared.
    """
    declaration, needed = task_features
    with faults.marked():
        for one in reader.rows(path, kinds):
            summary = inspection.SplitSummary("the data")
            summary.take(one.example, one.place, declaration)
            inspection.assert_sound([summary])
            _assert_present(one.place, summary.present, needed)
            kept = tuple(_kept(one.place, one.values, name) for name in keep)
            features = one.example.features.feature
            for name in [name for name in features if name not in declaration]:
                del features[name]
            yield Key(one.place, kept), one.example.SerializeToString(deterministic=True)


def _assert_present(place: str, present: set[str], needed: Sequence[str]) -> None:
    for name in needed:
        if name not in present:
            raise DataError(
                f"{place}: there is no value of '{name}', and the task gives this feature no default: fill it in, or "
                "leave the row out"
            )


def _kept(place: str, values: Mapping[str, Any], name: str) -> str | None:
    if name not in values:
        raise DataError(f"{place}: there is no column '{name}' to keep.{nearest(name, values)} Correct --keep")
    value = values[name]
    if isinstance(value, list) and len(value) <= 1:
        value = value[0] if value else None
    if isinstance(value, list):
        return json.dumps([_text(one) for one in value])
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
