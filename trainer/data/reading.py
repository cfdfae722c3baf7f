"""Reads transformed examples from their TFRecord files. An error names the file and the fault.

The features to parse are determined before a file is opened, in a form that can be sent to another process: several
processes may read files, and none of them needs the task. If the task does not declare the number of values of a
feature, each process finds this number in its own files. The code that merges the results compares these numbers.
"""

from __future__ import annotations

import dataclasses
import gzip
import zlib
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from limbeck import files
from limbeck.aliases import Features, FeatureSpec, Tensor
from limbeck.errors import DataError
from limbeck.examples import EXAMPLE_ID
from limbeck.objectives.objective import Objective
from limbeck.trainer.data.layout import Column, Layout

_CHECK_BYTES = 1 << 20


class ParsedColumn(NamedTuple):
    """A numeric feature that becomes a column.

    Attributes:
      name: name of the transformed feature.
      dtype: dtype of its values.
      fixed: whether all examples have equally many values.
    """

    name: str
    dtype: Literal["int64", "float32"]
    fixed: bool


class ReadBatch(NamedTuple):
    """Some examples of one file.

    Attributes:
      serialized: the serialized examples, a tensor `[examples]` of strings. They become Python objects only if needed.
      parsed: the parsed features by name.
    """

    serialized: Tensor
    parsed: Features


@dataclasses.dataclass(frozen=True)
class Reading:
    """How the examples of a split are read. It can be pickled, and contains no code of the task.

    Attributes:
      parsed: the features that are parsed, as `tf.io.parse_example` takes them: the id, and those of `columns`.
      columns: the features that become columns, sorted by name.
      serialized: whether there are features that columns cannot hold, so that serialized examples are kept, too.
      content: what a record must hold, in words for messages.
    """

    parsed: FeatureSpec
    columns: tuple[ParsedColumn, ...]
    serialized: bool
    content: str

    @classmethod
    def of(cls, spec: FeatureSpec, label_key: str, objective: Objective) -> Reading:
        """Returns how examples are read.

        Args:
          spec: feature spec of all features that will be read from the packed split.
          label_key: name of the feature that is the label of the training. The objective gives its spec.
          objective: how the label is encoded.
        """
        spec = spec | {label_key: objective.label_spec()}
        parsed = _parsed_as(spec)
        columns = [
            ParsedColumn(name, kind.dtype.name, _is_fixed(kind))
            for name, kind in sorted(spec.items())
            if name in parsed and name != EXAMPLE_ID
        ]
        content = f"one text '{EXAMPLE_ID}', one {_words(objective)} '{label_key}'"
        return cls(parsed, tuple(columns), len(columns) < len(spec), content)

    def layout(self, parsed: Features) -> Layout:
        """Returns the columns. If a number of values is not declared, the first of the parsed examples gives it."""
        columns = [
            Column(name, dtype, _size(parsed[name]) if fixed else None) for name, dtype, fixed in self.columns
        ]
        return Layout(tuple(columns), self.serialized)

    def batches(self, file: str, size: int) -> Iterator[ReadBatch]:
        """Yields the examples of a file (gzip), at most `size` at a time.

        Raises:
          DataError: if the file is truncated or corrupt, or a record is not a transformed example.
        """
        import tensorflow as tf

        try:
            _assert_whole(file)
            for serialized in tf.data.TFRecordDataset(file, compression_type="GZIP").batch(size):
                yield ReadBatch(serialized, tf.io.parse_example(serialized, self.parsed))
        except (EOFError, gzip.BadGzipFile, zlib.error, tf.errors.DataLossError) as error:
            raise DataError(f"{file} is truncated or corrupt: write it again ({error})") from None
        except tf.errors.InvalidArgumentError as error:
            raise DataError(
                f"{file} must hold tf.Examples with {self.content} and the features of the transform graph each "
                f"({error.message})"
            ) from None


def assert_equal_sizes(first: Layout, other: Layout) -> None:
    """Raises DataError if examples of one split have different numbers of values in a column of fixed size."""
    for dtype in ("int64", "float32"):
        for one, another in zip(first.fixed(dtype), other.fixed(dtype), strict=True):
            if one.size != another.size:
                raise unequal_sizes(one, another.size or 0)


def unequal_sizes(column: Column, other: int) -> DataError:
    """Returns the error for examples that have another number of values in a column than the first example."""
    return DataError(
        f"every example must have equally many values of '{column.name}', but some have {column.size}, and some "
        f"{other}: label all examples by the same teachers"
    )


def _parsed_as(spec: FeatureSpec) -> FeatureSpec:
    """Returns how to parse features for packing: values and their number. Omits features that columns cannot hold."""
    import tensorflow as tf

    wanted = {EXAMPLE_ID: tf.io.FixedLenFeature([], tf.string)}
    for name, kind in spec.items():
        if kind.dtype == tf.string:
            continue
        if isinstance(kind, tf.io.FixedLenFeature):
            wanted[name] = kind
        elif isinstance(kind, (tf.io.VarLenFeature, tf.io.FixedLenSequenceFeature)) or _plain_ragged(kind):
            key = getattr(kind, "value_key", None) or name
            wanted[name] = tf.io.RaggedFeature(kind.dtype, key, row_splits_dtype=tf.int64)
    return wanted


def _plain_ragged(kind: Any) -> bool:
    import tensorflow as tf

    return isinstance(kind, tf.io.RaggedFeature) and not kind.partitions


def _is_fixed(kind: Any) -> bool:
    import tensorflow as tf

    return isinstance(kind, (tf.io.FixedLenFeature, tf.io.FixedLenSequenceFeature))


def _size(values: Any) -> int:
    import tensorflow as tf

    return int(values.row_lengths()[0]) if isinstance(values, tf.RaggedTensor) else int(np.prod(values.shape[1:]))


def _words(objective: Objective) -> str:
    size = f"{objective.label_shape} " if objective.label_shape else ""
    return size + ("integer" if objective.label_dtype == "int64" else "number")


def _assert_whole(file: str) -> None:
    """Raises an error if a gzip is cut off. TensorFlow would take a cut between two records for the end."""
    with files.open_to_read(file) as compressed, gzip.GzipFile(fileobj=compressed) as stream:
        while stream.read(_CHECK_BYTES):
            pass
