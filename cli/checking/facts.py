"""Reads the results of the nodes of a check: statistics, counts of labels and rows, transformed examples."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

from limbeck import files
from limbeck.cli.checking.outcome import Column, Data
from limbeck.cli.local_run import statistics_files
from limbeck.components.artifacts.record_files import records_of
from limbeck.components.example_gen import label_counts, row_counts
from limbeck.components.example_gen.row_counts import RowCounts
from limbeck.examples import SPLITS, TRAIN
from limbeck.report.pages import statistics
from limbeck.settings.data import DataConfig
from limbeck.task import Task

_SPLIT_FOLDER = "Split-{}"
_LONG_TEXT = 40


def data_of(task: Task, config: DataConfig, uris: Mapping[str, str]) -> Data:
    """Returns what is known of the sample.

    Args:
      task: the task.
      config: the settings of the data.
      uris: the artifacts `examples` and `statistics`.
    """
    counted = label_counts.read(uris["examples"]).splits
    contents = {split: list(contents_of(_split(uris["examples"], split))) for split in SPLITS}
    rows = {split: len(some) for split, some in contents.items()}
    known, classes = set(contents[TRAIN]), _class_values(task)
    train = counted.get(TRAIN)
    [described] = statistics_files.read(Path(files.local_copy(uris["statistics"])), (TRAIN,))
    return Data(
        rows=rows,
        all_rows=all_rows(rows, row_counts.read(uris["examples"]), divided=config.split is not None),
        columns=tuple(columns_of(task, described)),
        labels=train.labels if train is not None and classes else {},
        unlabelled=train.unlabelled if train is not None else 0,
        classes=classes,
        duplicates=len(contents[TRAIN]) - len(known),
        leaked={split: sum(one in known for one in some) for split, some in contents.items() if split != TRAIN},
    )


def raw_examples(examples: str, count: int) -> list[bytes]:
    """Returns a few serialized raw examples of the training split."""
    return list(itertools.islice(_records(_split(examples, TRAIN)), count))


def all_rows(rows: Mapping[str, int], counted: RowCounts, *, divided: bool) -> dict[str, int]:
    """Returns about how many rows each split has.

    Args:
      rows: rows of the sample by split.
      counted: about how many rows the files have.
      divided: whether rows are divided among the splits. Then all rows are divided as the sample was.
    """
    if not divided:
        return dict(counted.splits) | {TRAIN: counted.splits[TRAIN] + counted.unlabelled}
    times = (sum(counted.splits.values()) + counted.unlabelled) / sum(rows.values())
    return {split: max(count, round(count * times)) for split, count in rows.items()}


def _class_values(task: Task) -> tuple[str, ...]:
    """Returns the values of the label as the data hold them; empty for numbers, and for a label of several columns."""
    objective = task.objective
    return tuple(objective.label_values) if len(objective.raw_features) == 1 else ()


def columns_of(task: Task, split: statistics.Split) -> Iterator[Column]:
    """Yields a description of each declared column, from the statistics of a split."""
    found = {column.name: column for column in split.columns}
    for feature in task.features:
        if feature.name in found:
            yield _column(found[feature.name])


def _column(found: statistics.Column) -> Column:
    values, constant, distinct = found.values, False, None
    if isinstance(values, statistics.Numbers):
        constant = values.minimum == values.maximum
    if isinstance(values, statistics.Texts):
        constant = values.distinct == 1
        # Pictures and sentences all differ, but they are not identifiers.
        distinct = values.distinct if values.mean_length <= _LONG_TEXT else None
    return Column(found.name, found.rows, found.missing, constant, distinct)


def contents_of(folder: str) -> Iterator[frozenset[tuple[str, bytes]]]:
    """Yields the names and values of each example. Its serialized form will not do: the order of names is free."""
    import tensorflow as tf

    for record in _records(folder):
        features = tf.train.Example.FromString(record).features.feature
        yield frozenset((name, value.SerializeToString(deterministic=True)) for name, value in features.items())


def _records(folder: str) -> Iterator[bytes]:
    return records_of(sorted(files.join(folder, name) for name in files.names(folder) if not name.startswith(".")))


def _split(artifact: str, split: str) -> str:
    return files.join(artifact, _SPLIT_FOLDER.format(split))
