"""Reads what the nodes of a check left: statistics, counts of labels and rows, transformed examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from limbeck import files
from limbeck.cli.checking.outcome import Column, Data
from limbeck.components.example_gen import label_counts, row_counts
from limbeck.components.example_gen.row_counts import RowCounts
from limbeck.examples import EXAMPLE_ID, SPLITS, TRAIN
from limbeck.settings.data import DataConfig
from limbeck.task import Task

_SPLIT_FOLDER = "Split-{}"
_LONG_TEXT = 40


def data_of(task: Task, config: DataConfig, uris: Mapping[str, str]) -> Data:
    """Returns what is known of the sample.

    Args:
      task: the task.
      config: the settings of the data.
      uris: the artifacts `examples`, `statistics` and `transformed_examples`.
    """
    counted = label_counts.read(uris["examples"]).splits
    ids = {split: list(_ids(_split(uris["transformed_examples"], split))) for split in SPLITS}
    rows = {split: len(some) for split, some in ids.items()}
    known, classes = set(ids[TRAIN]), _class_values(task)
    train = counted.get(TRAIN)
    return Data(
        rows=rows,
        all_rows=all_rows(rows, row_counts.read(uris["examples"]), divided=config.split is not None),
        columns=tuple(columns_of(task, _split(uris["statistics"], TRAIN))),
        labels=train.labels if train is not None and classes else {},
        unlabelled=train.unlabelled if train is not None else 0,
        classes=classes,
        duplicates=len(ids[TRAIN]) - len(known),
        leaked={split: sum(one in known for one in some) for split, some in ids.items() if split != TRAIN},
    )


def raw_examples(examples: str, count: int) -> list[bytes]:
    """Returns a few serialized raw examples of the training split."""
    return [bytes(record.numpy()) for record in _records(_split(examples, TRAIN)).take(count)]


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


def columns_of(task: Task, statistics: str) -> Iterator[Column]:
    """Yields what the statistics in a folder say of each column that the task declares."""
    import tensorflow_data_validation as tfdv

    [path] = [files.join(statistics, name) for name in files.names(statistics) if not name.startswith(".")]
    [dataset] = tfdv.load_stats_binary(path).datasets
    found = {feature.path.step[0]: feature for feature in dataset.features}
    for feature in task.features:
        one = found.get(feature.name)
        if one is not None:
            yield _column(feature.name, one, dataset.num_examples)


def _column(name: str, found: Any, rows: int) -> Column:
    kind = found.WhichOneof("stats")
    common = getattr(found, kind).common_stats
    if kind == "num_stats":
        return Column(name, rows, rows - common.num_non_missing, found.num_stats.std_dev == 0, None)
    missing = rows - common.num_non_missing
    if kind != "string_stats":
        return Column(name, rows, missing, False, None)
    texts = found.string_stats
    # Each picture and each sentence is another text, and they are no identifiers.
    distinct = texts.unique if texts.avg_length <= _LONG_TEXT else None
    return Column(name, rows, missing, texts.unique == 1, distinct)


def _ids(folder: str) -> Iterator[bytes]:
    import tensorflow as tf

    for record in _records(folder):
        yield tf.train.Example.FromString(record.numpy()).features.feature[EXAMPLE_ID].bytes_list.value[0]


def _records(folder: str) -> Any:
    import tensorflow as tf

    paths = [files.join(folder, name) for name in files.names(folder) if not name.startswith(".")]
    return tf.data.TFRecordDataset(sorted(paths), compression_type="GZIP")


def _split(artifact: str, split: str) -> str:
    return files.join(artifact, _SPLIT_FOLDER.format(split))
