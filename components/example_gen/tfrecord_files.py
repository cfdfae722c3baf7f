"""Reads TFRecord files of tf.Example, and verifies their checksums.

A file that is cut off, or that holds something else, otherwise leads to a message without file or place, or to examples
without features. A record consists of its length (uint64), a checksum of the length, the content, and a checksum of
the content. The checksums are CRC-32C, rotated and shifted. All numbers are little endian.
"""

from __future__ import annotations

import dataclasses
import functools
import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from limbeck.chunks import chunks
from limbeck.components.example_gen import row_counts
from limbeck.components.example_gen.blocks import BLOCK_ROWS, ExampleBlock
from limbeck.components.example_gen.columns import Columns
from limbeck.components.example_gen.files import open_content
from limbeck.components.example_gen.rows import Row
from limbeck.errors import DataError
from limbeck.settings.trial import sampled

if TYPE_CHECKING:
    import tensorflow as tf

_HEAD_BYTES, _TAIL_BYTES = 12, 4


@dataclasses.dataclass(frozen=True)
class TFRecordFiles:
    """Reads TFRecord files, plain or as gzip.

    Attributes:
      most_rows: reads only so many records, from the start of the file; None reads all.
    """

    most_rows: int | None = None

    def examples(self, path: str, kinds: Columns | None = None) -> Iterator[tuple[str, tf.train.Example]]:
        """Yields file and number of the record, and the example, for each record.

        Args:
          path: path of the file.
          kinds: not used, because records tell the kinds of their features.

        Raises:
          DataError: if a record is damaged or cut off; the message names file and byte offset in the decompressed
            content. Also if it is not a tf.Example; the message names file and number of the record, counted from 1.
        """
        for number, record in sampled(enumerate(read_records(path), start=1), self.most_rows):
            yield f"{path}, record {number}", _parse(path, number, record)

    def rows(self, path: str, kinds: Columns | None = None) -> Iterator[Row]:
        """Reads the file as `examples` does. Yields the values of the features besides, as lists."""
        for place, example in self.examples(path, kinds):
            yield Row(place, example, values_of(example))

    def blocks(self, path: str, kinds: Columns | None = None) -> Iterator[ExampleBlock]:
        """Reads the file as `examples` does. Yields blocks of records; the values of features are lists."""
        for block in chunks(self.examples(path, kinds), BLOCK_ROWS):
            places, examples = zip(*block, strict=True)
            yield ExampleBlock(places, examples, functools.partial(_values_at, examples))

    def about(self, path: str) -> int:
        """Returns about how many records a file has. Raises DataError if it cannot be read."""
        return row_counts.extrapolated(path, _heads, is_head)

    def column(self, path: str, name: str) -> Iterator[tuple[str, Any]]:
        """Yields file and number of the record, and the values of one feature (empty if it is missing)."""
        for place, example in self.examples(path):
            # An access by name would add a feature that is missing.
            features = example.features.feature
            yield place, _values(features[name]) if name in features else []


def values_of(example: tf.train.Example) -> dict[str, list[Any]]:
    """Returns the values of all features by name; empty lists where there are none."""
    return {name: _values(feature) for name, feature in example.features.feature.items()}


def _values_at(examples: Sequence[tf.train.Example], row: int) -> dict[str, list[Any]]:
    return values_of(examples[row])


def _values(feature: tf.train.Feature) -> list[Any]:
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


def read_records(path: str) -> Iterator[bytes]:
    """Yields the content of each record. Raises DataError as `TFRecordFiles.examples` does."""
    # A plain file can start like a gzip, if its first record has the right length.
    with open_content(path, is_plain=is_head) as content:
        yield from records_in(path, content)


def records_in(path: str, content: BinaryIO) -> Iterator[bytes]:
    """Yields the content of each record of an open file, without TensorFlow. Raises DataError as `read_records` does.

    Args:
      path: path of the file, for messages.
      content: the file, decompressed.
    """
    offset = 0
    while head := content.read(_HEAD_BYTES):
        if len(head) == _HEAD_BYTES and not is_head(head):
            what = "damaged" if offset else "not a TFRecord (is data.format right?)"
            raise _damaged(path, offset, f"is {what}: the checksum of its length is wrong")
        record = _read_rest(path, content, head, offset)
        offset += _HEAD_BYTES + len(record) + _TAIL_BYTES
        yield record


def _heads(content: BinaryIO) -> int:
    """Returns how many records begin in the first part of a file. Their checksums do not matter here."""
    count = 0
    while content.tell() < row_counts.PART_BYTES and len(head := content.read(_HEAD_BYTES)) == _HEAD_BYTES:
        content.read(struct.unpack("<Q", head[:8])[0] + _TAIL_BYTES)
        count += 1
    return count


def _read_rest(path: str, content: BinaryIO, head: bytes, offset: int) -> bytes:
    length = struct.unpack("<Q", head[:8])[0] if len(head) == _HEAD_BYTES else 0
    rest = content.read(length + _TAIL_BYTES)
    if len(rest) < length + _TAIL_BYTES:
        raise _damaged(path, offset, "is cut off by the end of the file")
    record = rest[:length]
    if _checksum(record) != rest[length:]:
        raise _damaged(path, offset, "is damaged: the checksum of its content is wrong")
    return record


def _damaged(path: str, offset: int, what: str) -> DataError:
    return DataError(f"{path}: the record at byte {offset} {what}. Copy or write the file again")


def is_head(head: bytes) -> bool:
    """Returns whether 12 bytes are the head of a record: a length and its checksum."""
    return len(head) == _HEAD_BYTES and _checksum(head[:8]) == head[8:]


def _checksum(content: bytes) -> bytes:
    import google_crc32c

    crc = google_crc32c.value(content)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def _parse(path: str, number: int, record: bytes) -> tf.train.Example:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        example = tf.train.Example.FromString(record)
    except DecodeError:
        raise DataError(f"{path}: record {number} is not a tf.Example: write tf.train.Example messages") from None
    if len(example.UnknownFields()):
        # Another message may parse as one, with most of its fields unknown: a tf.SequenceExample does.
        raise DataError(
            f"{path}: record {number} is not a tf.Example, but another message (a tf.SequenceExample?): write "
            "tf.train.Example messages"
        )
    return example
