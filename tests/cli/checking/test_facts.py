"""What is read of the statistics, and how many rows there are, from how many were read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_data_validation as tfdv

from limbeck import Feature, Label, Task
from limbeck.cli.checking.facts import all_rows, columns_of, contents_of
from limbeck.cli.checking.outcome import Column
from limbeck.cli.local_run import statistics_files
from limbeck.components.example_gen.row_counts import RowCounts

READ = {"train": 80, "validation": 11, "test": 9}


def test_rows_that_are_divided_are_divided_as_the_sample_was():
    assert all_rows(READ, RowCounts({"all": 1000}), divided=True) == {"train": 800, "validation": 110, "test": 90}
    assert all_rows(READ, RowCounts({"all": 100}), divided=True) == READ
    # An estimate may be too low.
    assert all_rows(READ, RowCounts({"all": 90}), divided=True) == READ


def test_splits_of_their_own_are_counted_by_themselves_and_unlabelled_rows_join_the_training():
    counted = RowCounts({"train": 500, "validation": 20, "test": 30}, unlabelled=7)

    assert all_rows(READ, counted, divided=False) == {"train": 507, "validation": 20, "test": 30}


def test_columns_are_read_from_the_statistics_of_tfdv(tmp_path: Path):
    rows = 60
    table = pd.DataFrame(
        {
            "age": [np.nan] * 6 + [float(row) for row in range(rows - 6)],
            "flat": [2.0] * rows,
            "same": ["x"] * rows,
            "number": [f"K-{row:05}" for row in range(rows)],
            "review": [f"{row} {'many words ' * 5}" for row in range(rows)],
            "unused": ["y"] * rows,
        }
    )
    (tmp_path / "Split-train").mkdir()
    (tmp_path / "Split-train" / statistics_files.FILE).write_bytes(
        tfdv.generate_statistics_from_dataframe(table).SerializeToString()
    )
    task = Task(
        name="x",
        features=(
            Feature("age"),
            Feature("flat"),
            *(Feature(one, "text") for one in ("same", "number", "review")),
        ),
        label=Label("y", classes=("a", "b")),
        preprocessing_fn=dict,
        build_teacher=dict,
        build_student=dict,
    )

    [split] = statistics_files.read(tmp_path, ("train",))
    assert list(columns_of(task, split)) == [
        Column("age", rows, 6, False, None),
        Column("flat", rows, 0, True, None),
        Column("same", rows, 0, True, 1),
        Column("number", rows, 0, False, rows),
        Column("review", rows, 0, False, None),
    ]


def test_rows_of_equal_content_are_equal_however_they_are_written(tmp_path: Path):
    def part(name: str, value: int) -> bytes:
        feature = {name: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))}
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()

    # Parts of a message that follow one another are one message.
    written = [part("a", 1) + part("b", 2), part("b", 2) + part("a", 1), part("a", 2) + part("b", 1), part("a", 1)]
    with tf.io.TFRecordWriter(str(tmp_path / "rows.gz"), "GZIP") as writer:
        for one in written:
            writer.write(one)
    assert written[0] != written[1]

    first, second, *others = contents_of(str(tmp_path))
    assert first == second
    assert len({first, *others}) == len(written) - 1
