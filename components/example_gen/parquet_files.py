"""Reads Parquet, and keeps zeros as values. Only a null is a missing value.

TFX's own reader asks whether a value is true. So 0, 0.0, False and the empty text come out as missing. It also makes
texts of bytes. Here a null is a missing feature, and every other value is kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from limbeck.components.example_gen import columns
from limbeck.components.example_gen.columns import INT64_MAX, INT64_MIN, Columns, Evidence, Kind
from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.files import open_file
from limbeck.errors import DataError

if TYPE_CHECKING:
    import tensorflow as tf

_BATCH_ROWS = 1024


@dataclasses.dataclass(frozen=True)
class ParquetFiles:
    """Reads Parquet files: columns of integers, floats, booleans (as 0, 1), text, bytes, and lists of these.

    Attributes:
      declaration: what the task declares. It settles the kinds of its columns.
    """

    declaration: Declaration = dataclasses.field(default_factory=dict)

    def names(self, path: str) -> tuple[str, ...]:
        """Returns the names of the columns. Raises DataError if the file is not Parquet, or if two names are equal."""
        return tuple(name for name, _ in _schema(path))

    def evidence(self, path: str) -> Evidence:
        """Returns what the columns hold, from the footer alone.

        Raises:
          DataError: as `names` does, and if a column's type has no counterpart in an example. The message names file
            and column.
        """
        return columns.evidence(path, {name: _kind(path, name, type_) for name, type_ in _schema(path)})

    def settle(self, found: Evidence) -> Columns:
        """Returns the kinds of all columns of the whole input. Raises DataError if files contradict each other."""
        return columns.agreed(found, self.declaration)

    def examples(self, path: str, kinds: Columns) -> Iterator[tuple[str, tf.train.Example]]:
        """Reads the file.

        Args:
          path: path of the file.
          kinds: kinds of the columns of the whole input. If one is float, its integers become floats.

        Yields:
          File and row number, and an example, for each row. A null is a missing feature. An empty list is a feature
          without values.

        Raises:
          DataError: if a value does not fit int64 or float32, or if a list holds a null. The message names file and
            column.
        """
        import tensorflow as tf

        with _parquet(path) as parquet:
            names, number = parquet.schema_arrow.names, 0
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    example = tf.train.Example()
                    features = example.features.feature
                    for name, value in zip(names, row, strict=True):
                        if value is not None:
                            values = value if isinstance(value, list) else [value]
                            _set(features[name], kinds[name], _checked(path, name, values))
                    number += 1
                    yield f"{path}, row {number}", example


@contextlib.contextmanager
def _parquet(path: str) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    with open_file(path) as opened:
        try:
            yield parquet.ParquetFile(opened)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}: is not Parquet, or damaged: {error}. Check data.format, or copy it again"
            ) from None


def _schema(path: str) -> list[tuple[str, Any]]:
    with _parquet(path) as parquet:
        schema = [(field.name, field.type) for field in parquet.schema_arrow]
    columns.check_names(path, [name for name, _ in schema])
    return schema


def _kind(path: str, name: str, type_: Any) -> Kind:
    from pyarrow import types

    item = type_
    if types.is_list(type_) or types.is_large_list(type_) or types.is_fixed_size_list(type_):
        item = type_.value_type
    if types.is_dictionary(item):
        item = item.value_type
    if types.is_null(item):
        return Kind.EMPTY
    if types.is_integer(item) or types.is_boolean(item):
        return Kind.INTEGER
    if types.is_floating(item):
        return Kind.FLOAT
    texts = (
        types.is_string,
        types.is_large_string,
        types.is_binary,
        types.is_large_binary,
        types.is_fixed_size_binary,
    )
    if any(matches(item) for matches in texts):
        return Kind.TEXT
    raise DataError(
        f"{path}: column '{name}' has the type {type_}, which an example cannot hold: cast it to integers, "
        "floats, booleans, text or bytes, or to lists of these"
    )


def _checked(path: str, name: str, values: list[Any]) -> list[Any]:
    for value in values:
        if value is None:
            raise DataError(
                f"{path}: column '{name}' has a null within a list, which an example cannot hold: drop it"
            )
        if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
            raise DataError(f"{path}: column '{name}' holds {value}, which does not fit int64: cast it to text")
        if isinstance(value, float) and not columns.fits_float32(value):
            raise DataError(f"{path}: column '{name}' holds {value}, which does not fit float32: scale the column")
    return values


def _set(feature: tf.train.Feature, kind: Kind, values: list[Any]) -> None:
    if kind == Kind.INTEGER:
        feature.int64_list.value[:] = [int(value) for value in values]
        feature.int64_list.SetInParent()
    elif kind == Kind.FLOAT:
        feature.float_list.value[:] = [float(value) for value in values]
        feature.float_list.SetInParent()
    else:
        feature.bytes_list.value[:] = [value.encode() if isinstance(value, str) else value for value in values]
        feature.bytes_list.SetInParent()
