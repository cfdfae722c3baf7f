"""Mistakes in the place and the format of the data, told before anything runs."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tensorflow as tf
from pyarrow import parquet

from limbeck.cli import raw_data
from limbeck.errors import ConfigError
from limbeck.examples import SPLITS
from limbeck.settings.data import DataConfig

CSV = "a,b\n1,2\n"


def check(path: Path | str, **settings: Any) -> None:
    raw_data.check(DataConfig(path=str(path), **{"format": "csv", **settings}))


def folders(folder: Path, content: str = CSV) -> Path:
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
        (folder / split / "part.csv").write_text(content)
    return folder


def write(path: Path, format: str) -> Path:
    if format == "parquet":
        parquet.write_table(pa.table({"a": [1]}), path)
    elif format == "tfrecord":
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(tf.train.Example().SerializeToString())
    else:
        path.write_text(CSV)
    return path


def test_sound_places_pass(tmp_path: Path):
    data = folders(tmp_path / "data")
    check(data)
    for path in (data / "train" / "part.csv", data / "train", data / "*" / "part.csv", data / "t*" / "*.csv"):
        check(path, split="0.8/0.1/0.1", unlabelled=str(data / "test"))
    (tmp_path / "days" / "1").mkdir(parents=True)
    (tmp_path / "days" / "1" / "part.csv").write_text(CSV)
    check(tmp_path / "days" / "{SPAN}", split="0.8/0.1/0.1")
    check(tmp_path / "days" / "{SPAN}" / "part.csv", split="0.8/0.1/0.1")
    raw_data.check(DataConfig(split="0.8/0.1/0.1"))
    raw_data.check(DataConfig(path="gs://bucket/x", split="0.8/0.1/0.1", unlabelled="s3://bucket/y"))


def test_a_placeholder_stands_for_a_number_and_not_for_itself(tmp_path: Path):
    # The folder's own name matched the placeholder in it, again and again.
    for name in ("day-{SPAN}", "day-{other}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.csv").write_text(CSV)
    with pytest.raises(
        ConfigError, match=r"no file matches .*day-\{SPAN\} \(in .*: day-\{SPAN\}/, day-\{other\}/"
    ):
        check(tmp_path / "day-{SPAN}", split="0.8/0.1/0.1")
    with pytest.raises(ConfigError, match=r"day-\{SPAN\}/train has none"):
        check(tmp_path / "day-{SPAN}")
    check(tmp_path / "day-{other}", split="0.8/0.1/0.1")
    (tmp_path / "day-07").mkdir()
    (tmp_path / "day-07" / "part.csv").write_text(CSV)
    check(tmp_path / "day-{SPAN:2}", split="0.8/0.1/0.1")


def test_a_file_and_a_folder_of_files_ask_for_shares(tmp_path: Path):
    (tmp_path / "one.csv").write_text(CSV)
    (tmp_path / "two.csv").write_text(CSV)
    with pytest.raises(
        ConfigError, match=r"one\.csv is a file \(seen there: one\.csv\): set data\.split=0\.8/0\.1/0"
    ):
        check(tmp_path / "one.csv")
    with pytest.raises(
        ConfigError, match=r"is files, and no folders \(seen there: one\.csv, two\.csv\): set data\.split"
    ):
        check(tmp_path)
    with pytest.raises(ConfigError, match=r"\*\.csv is files.*two\.csv\): set data\.split"):
        check(tmp_path / "*.csv")


def test_folders_that_are_splits_ask_for_no_shares(tmp_path: Path):
    data = folders(tmp_path / "data")
    with pytest.raises(
        ConfigError, match=r"is cut into the folders train, validation, test already: leave data\.sp"
    ):
        check(data, split="0.8/0.1/0.1")
    with pytest.raises(ConfigError, match=r"data\.unlabelled takes a file, .* already: give one of its folders"):
        check(data, unlabelled=str(data))


def test_what_is_there_is_named(tmp_path: Path):
    (tmp_path / "my data.csv").write_text(CSV)
    (tmp_path / "deep").mkdir()
    with pytest.raises(ConfigError, match=r"no file matches .*data\.csv \(in .*: deep/, my data\.csv\)"):
        check(tmp_path / "data.csv", split="0.8/0.1/0.1")
    with pytest.raises(ConfigError, match=r"holds folders \(seen there: deep/, my data\.csv\)"):
        check(tmp_path, split="0.8/0.1/0.1")
    with pytest.raises(ConfigError, match=r"data\.unlabelled .* no file matches .*/nothing"):
        check(folders(tmp_path / "data"), unlabelled=str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("written", "name", "expected"),
    [
        ("parquet", "a.parquet", "tfrecord"),
        ("parquet", "a.csv", "csv"),
        ("tfrecord", "a", "csv"),
        ("tfrecord", "a", "parquet"),
        ("csv", "a.csv", "tfrecord"),
        ("csv", "a.csv", "parquet"),
        ("csv", "a", "tfrecord"),
    ],
)
def test_another_format_is_named(tmp_path: Path, written: str, name: str, expected: str):
    path = write(tmp_path / name, written)
    with pytest.raises(
        ConfigError,
        match=f"data.format is {expected}, but .*/{name} looks like {written}: set data.format={written}",
    ):
        check(path, split="0.8/0.1/0.1", format=expected)
    check(path, split="0.8/0.1/0.1", format=written)


def test_the_content_counts_more_than_the_name(tmp_path: Path):
    check(write(tmp_path / "a.csv", "tfrecord"), split="0.8/0.1/0.1", format="tfrecord")
    (tmp_path / "b.csv").write_bytes(gzip.compress(CSV.encode()))
    check(tmp_path / "b.csv", split="0.8/0.1/0.1")
    with pytest.raises(ConfigError, match="looks like csv"):
        check(tmp_path / "b.csv", split="0.8/0.1/0.1", format="tfrecord")
    data = folders(tmp_path / "data")
    with pytest.raises(ConfigError, match=r"train/part\.csv looks like csv"):
        check(data, format="tfrecord")
