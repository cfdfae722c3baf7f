"""About how many rows a file has, for each format; and what a trial reads of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from limbeck.components.example_gen import row_counts
from limbeck.components.example_gen.columns import Kind
from limbeck.components.example_gen.csv_files import CsvFiles
from limbeck.components.example_gen.parquet_files import ParquetFiles
from limbeck.components.example_gen.row_counts import RowCounts
from limbeck.components.example_gen.tfrecord_files import TFRecordFiles

ROWS = 5000


def csv(folder: Path) -> Path:
    path = folder / "file.csv"
    path.write_text("a,b\n" + "".join(f'{row},"x\ny, {row:06}"\n' for row in range(ROWS)), encoding="utf-8")
    return path


def tfrecord(folder: Path) -> Path:
    path = folder / "file.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in range(ROWS):
            features = {"a": tf.train.Feature(int64_list=tf.train.Int64List(value=[row]))}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return path


def parquet(folder: Path) -> Path:
    pq.write_table(pa.table({"a": range(ROWS)}), folder / "file.parquet")
    return folder / "file.parquet"


READERS = {csv: CsvFiles(), tfrecord: TFRecordFiles(), parquet: ParquetFiles()}
FEW = {csv: CsvFiles(most_rows=10), tfrecord: TFRecordFiles(10), parquet: ParquetFiles(most_rows=10)}
each_format = pytest.mark.parametrize("written", list(READERS), ids=lambda written: written.__name__)


@each_format
def test_a_file_that_is_short_is_counted_exactly(tmp_path: Path, written):
    assert READERS[written].about(str(written(tmp_path))) == ROWS


@each_format
def test_a_long_file_is_taken_to_be_like_its_first_part(tmp_path: Path, written, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(row_counts, "PART_BYTES", 10_000)

    assert READERS[written].about(str(written(tmp_path))) == pytest.approx(ROWS, rel=0.1)


@pytest.mark.parametrize("written", [csv, tfrecord], ids=lambda written: written.__name__)
def test_a_gzip_is_counted_too(tmp_path: Path, written, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(written(tmp_path).read_bytes()))
    assert READERS[written].about(str(path)) == ROWS

    # What is read of the stored bytes comes in pieces of a megabyte.
    monkeypatch.setattr(row_counts, "PART_BYTES", 10_000)
    assert READERS[written].about(str(path)) > 0


@pytest.mark.parametrize(("text", "rows"), [("a\n", 0), ("a\n1", 1), ("a\n1\n", 1), ("a\r\n1\r\n2\r\n", 2)])
def test_the_header_of_a_csv_file_is_no_row_and_the_last_row_needs_no_end(tmp_path: Path, text: str, rows: int):
    (tmp_path / "file").write_bytes(text.encode())

    assert CsvFiles().about(str(tmp_path / "file")) == rows


@each_format
def test_a_trial_reads_some_rows_and_names_their_places(tmp_path: Path, written):
    path = str(written(tmp_path))
    kinds = {"a": Kind.INTEGER}

    few = [(row.place, row.example) for row in FEW[written].rows(path, kinds)]
    every = {row.place: row.example for row in READERS[written].rows(path, kinds)}

    assert len(few) == 10
    assert all(every[place] == example for place, example in few)
    assert [value for _, value in FEW[written].column(path, "a")] == [
        value for place, value in READERS[written].column(path, "a") if place in dict(few)
    ]


def test_counts_are_read_as_they_were_written(tmp_path: Path):
    row_counts.write(RowCounts({"train": 7}, 3), str(tmp_path))

    assert row_counts.read(str(tmp_path)) == RowCounts({"train": 7}, 3)
