"""TFRecord: every record comes out, and a damaged one is named by its place."""

import gzip
import struct
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.example_gen.tfrecord_files import TFRecordFiles, read_records
from limbeck.errors import DataError

# Begins, as a little-endian length, with the two bytes and the method of a gzip.
LENGTH_LIKE_A_GZIP = 0x088B1F


def file(folder: Path, records: list[bytes], compression: str = "", name: str = "part") -> Path:
    path = folder / name
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return path


def read(path: Path) -> list[tf.train.Example]:
    return [example for _, example in TFRecordFiles().examples(str(path))]


def example(**features: list[int]) -> tf.train.Example:
    made = tf.train.Example()
    for name, values in features.items():
        made.features.feature[name].int64_list.value.extend(values)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tfrecord")


@given(
    st.lists(st.binary(max_size=100), max_size=6), st.sampled_from(["", "GZIP"]), st.sampled_from(["a", "a.gz"])
)
def test_what_tensorflow_writes_is_read_whatever_the_suffix(
    folder: Path, records: list[bytes], compression: str, name: str
):
    assert list(read_records(str(file(folder, records, compression, name)))) == records


def test_examples_come_out_as_they_went_in(tmp_path: Path):
    kinds = tf.train.Example()
    kinds.features.feature["bytes"].bytes_list.value.extend([b"", b"\xff"])
    kinds.features.feature["floats"].float_list.value.append(0.0)
    kinds.features.feature["none"].SetInParent()
    kinds.features.feature["empty"].int64_list.SetInParent()
    examples = [example(a=[0], b=[1, 2]), kinds, tf.train.Example()]

    assert read(file(tmp_path, [one.SerializeToString() for one in examples])) == examples


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_a_record_whose_length_looks_like_a_gzip_is_none(tmp_path: Path, compression: str):
    record = b"x" * LENGTH_LIKE_A_GZIP
    path = file(tmp_path, [record], compression)

    assert path.read_bytes().startswith(b"\x1f\x8b\x08")
    assert list(read_records(str(path))) == [record]


def test_an_empty_file_has_no_examples(tmp_path: Path):
    assert read(file(tmp_path, [])) == []


SECOND = 12 + 10 + 4


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kept", [SECOND + 1, SECOND + 11, SECOND + 12, SECOND + 17, 2 * SECOND - 1])
def test_a_record_that_is_cut_off_is_named_by_file_and_offset(tmp_path: Path, kept: int, zipped: bool):
    path = file(tmp_path, [b"0123456789"] * 2)
    content = path.read_bytes()[:kept]
    path.write_bytes(gzip.compress(content) if zipped else content)

    with pytest.raises(DataError, match=f"^{path}: the record at byte {SECOND} is cut off by the end of the file"):
        read_all(path)


@pytest.mark.parametrize(("place", "what"), [(0, "length"), (9, "length"), (12, "content"), (24, "content")])
def test_a_flipped_bit_is_found_by_file_and_offset(tmp_path: Path, place: int, what: str):
    path = file(tmp_path, [b"0123456789"] * 2)
    content = bytearray(path.read_bytes())
    content[SECOND + place] ^= 1
    path.write_bytes(content)

    message = f"^{path}: the record at byte {SECOND} is damaged: the checksum of its {what} is wrong"
    with pytest.raises(DataError, match=message):
        read_all(path)


def read_all(path: Path) -> None:
    records = read_records(str(path))
    assert next(records) == b"0123456789"
    list(records)


def test_another_format_is_named(tmp_path: Path):
    path = tmp_path / "part"
    path.write_bytes(b"a,b,c\n1,2,3\n4,5,6\n")
    with pytest.raises(
        DataError, match=rf"^{path}: the record at byte 0 is not a TFRecord: .* is wrong\. Is data\.format right\?"
    ):
        read(path)


def test_a_gzip_that_was_cut_off_is_named_with_the_offset(tmp_path: Path):
    path = file(tmp_path, [struct.pack("<Q", number) for number in range(1000)], "GZIP")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=rf"^{path}: the gzip is damaged or cut off after byte \d+ of its content"):
        read_records_to_the_end(path)


def read_records_to_the_end(path: Path) -> None:
    for _ in read_records(str(path)):
        pass


@pytest.mark.parametrize(
    "record", [b"not a message", tf.train.SequenceExample().SerializeToString() + b"\x12\x00"]
)
def test_a_record_that_is_no_example_is_named_by_its_number(tmp_path: Path, record: bytes):
    path = file(tmp_path, [example(a=[1]).SerializeToString(), record])
    with pytest.raises(DataError, match=f"^{path}: record 2 is not a tf.Example"):
        read(path)


def test_a_sequence_example_is_no_example(tmp_path: Path):
    sequence = tf.train.SequenceExample()
    sequence.context.feature["a"].int64_list.value.append(1)
    sequence.feature_lists.feature_list["b"].feature.add().int64_list.value.append(2)
    path = file(tmp_path, [sequence.SerializeToString()])
    with pytest.raises(DataError, match=f"^{path}: record 1 is not a tf.Example, but another message"):
        read(path)
