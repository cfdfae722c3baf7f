"""Reads TFRecord files of tf.Example.

If a file is cut off or holds something else, TensorFlow's message names neither file nor place, or examples have no
features.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from limbeck.chunks import chunks
from limbeck.components.artifacts.record_stream import (
    HEAD_BYTES,
    TAIL_BYTES,
    DamagedRecordError,
    is_head,
    length_in,
    records_in,
)
from limbeck.components.example_gen import row_counts
from limbeck.components.example_gen.blocks import BLOCK_ROWS, ExampleBlock
from limbeck.components.example_gen.columns import Columns
from limbeck.components.example_gen.files import open_content
from limbeck.components.example_gen.rows import Row
from limbeck.errors import DataError
from limbeck.settings.trial import sampled

if TYPE_CHECKING:
    import tensorflow as tf


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
            content. Also if a record is not a tf.Example; the message names file and number of the record, counted from
            1.
        """
        for number, record in sampled(enumerate(read_records(path), start=1), self.most_rows):
            yield f"{path}, record {number}", _parse(path, number, record)

    def rows(self, path: str, kinds: Columns | None = None) -> Iterator[Row]:
        """Reads the file as `examples` does. Also yields the values of the features, as lists."""
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
    try:
        # A plain file can start like a gzip, if its first record has the right length.
        with open_content(path, is_plain=is_head) as content:
            yield from records_in(content)
    except DamagedRecordError as error:
        advice = "Is data.format right?" if error.is_foreign else "Copy or write the file again"
        raise DataError(f"{path}: {error}. {advice}") from None


def _heads(content: BinaryIO) -> int:
    """Returns how many records begin in the first part of a file. Their checksums do not matter here."""
    count = 0
    while content.tell() < row_counts.PART_BYTES and len(head := content.read(HEAD_BYTES)) == HEAD_BYTES:
        content.read(length_in(head) + TAIL_BYTES)
        count += 1
    return count


def _parse(path: str, number: int, record: bytes) -> tf.train.Example:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        example = tf.train.Example.FromString(record)
    except DecodeError:
        raise DataError(f"{path}: record {number} is not a tf.Example: write tf.train.Example messages") from None
    if len(example.UnknownFields()):
        # Another message, such as a tf.SequenceExample, may parse as a tf.Example with unknown fields.
        raise DataError(
            f"{path}: record {number} is not a tf.Example, but another message (a tf.SequenceExample?): write "
            "tf.train.Example messages"
        )
    return example
