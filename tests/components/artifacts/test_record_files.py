"""TFRecord files that are written and read without Beam."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from limbeck.components.artifacts.record_files import read_records, write_records

RECORDS = [b"one", b"", b"three" * 100]


@pytest.mark.parametrize("name", ["records", "records.gz"])
def test_what_is_written_is_read(tmp_path: Path, name: str):
    assert write_records(str(tmp_path / name), RECORDS) == 3
    assert list(read_records(str(tmp_path / name))) == RECORDS


def test_a_model_that_fails_is_not_taken_for_the_file(tmp_path: Path):
    """A teacher for which the memory was too small was told as `part-00000.gz cannot be written: OOM ...`."""

    def records() -> Iterator[bytes]:
        yield b"one"
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating a tensor")

    with pytest.raises(tf.errors.ResourceExhaustedError, match="OOM"):
        write_records(str(tmp_path / "records.gz"), records())


def test_a_file_that_cannot_be_written_or_read_is_named(tmp_path: Path):
    with pytest.raises(OSError, match=f"{tmp_path}/none/records cannot be written"):
        write_records(str(tmp_path / "none" / "records"), RECORDS)
    # It takes what it is given, and has no room for it.
    with pytest.raises(OSError, match="/dev/full cannot be written"):
        write_records("/dev/full", RECORDS)
    with pytest.raises(OSError, match=f"{tmp_path}/none/records"):
        list(read_records(str(tmp_path / "none" / "records")))


def test_a_flipped_bit_of_a_plain_file_is_told_by_its_record(tmp_path: Path):
    path = tmp_path / "records"
    write_records(str(path), RECORDS)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    message = f"^{path} cannot be read: the record at byte 35 is damaged: the checksum of its content is wrong$"
    with pytest.raises(OSError, match=message):
        list(read_records(str(path)))


@pytest.mark.parametrize("name", ["records", "records.gz"])
def test_a_file_that_is_cut_off_is_told_wherever_the_cut_is(tmp_path: Path, name: str):
    """TensorFlow took many a cut for the end of the file, and a split had fewer examples without a word."""
    whole = tmp_path / name
    write_records(str(whole), RECORDS)
    content = whole.read_bytes()
    # A plain file that ends with a record looks like one that holds no more.
    sound = {0} if name.endswith(".gz") else {0, 19, 35}
    for end in sorted(set(range(len(content))) - sound)[:: 1 if name.endswith(".gz") else 7]:
        whole.write_bytes(content[:end])
        with pytest.raises(OSError, match="cannot be read"):
            list(read_records(str(whole)))


def test_gzips_that_stand_one_after_the_other_are_a_whole_file(tmp_path: Path):
    parts = [tmp_path / "first.gz", tmp_path / "second.gz"]
    for part in parts:
        write_records(str(part), RECORDS)
    both = tmp_path / "both.gz"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert list(read_records(str(both))) == [*RECORDS, *RECORDS]


def test_a_file_without_records_is_whole(tmp_path: Path):
    for name in ("records", "records.gz"):
        assert write_records(str(tmp_path / name), []) == 0
        assert list(read_records(str(tmp_path / name))) == []
