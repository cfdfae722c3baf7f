"""Reads Parquet, and keeps zeros as values. Only a null is a missing value.

TFX's own reader asks whether a value is true. So 0, 0.0, False and the empty text come out as missing. It also makes
texts of bytes. Here a null is a missing feature, and every other value is kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import math
from collections.abc import Iterator
from typing import Any

from limbeck.components.example_gen import columns
from limbeck.components.example_gen.columns import INT64_MAX, INT64_MIN, Columns, Evidence, Kind, Sighting
from limbeck.components.example_gen.declaration import Declaration, Declared
from limbeck.components.example_gen.files import open_file
from limbeck.components.example_gen.rows import Row, TableRows
from limbeck.errors import DataError
from limbeck.settings.trial import sampled

_BATCH_ROWS = 1024
_EPOCH = datetime.date(1970, 1, 1)


@dataclasses.dataclass(frozen=True)
class ParquetFiles(TableRows):
    """Reads Parquet files: columns of integers, floats, booleans (as 0, 1), text, bytes, dates, timestamps, and lists.

    Dates and timestamps become texts in ISO 8601, timestamps with a zone in UTC. Where the task declares an integer, a
    date becomes the days since 1970, and a timestamp the whole seconds since then. Whole floats become integers there,
    and NaN is a missing value, because pandas writes integers in this way if some are missing.

    Attributes:
      declaration: what the task declares. It settles the kinds of its columns.
      most_rows: reads only so many rows, from the start of the file; None reads all.
    """

    declaration: Declaration = dataclasses.field(default_factory=dict)
    most_rows: int | None = None

    def names(self, path: str) -> tuple[str, ...]:
        """Returns the names of the columns. Raises DataError if the file is not Parquet, or if two names are equal."""
        return tuple(name for name, _ in _schema(path))

    def evidence(self, path: str) -> Evidence:
        """Returns what the columns hold: from the footer, and from the values of floats that are declared as integers.

        Raises:
          DataError: as `names` does, and if a column's type has no counterpart in an example. The message names file
            and column.
        """
        found = {}
        for name, type_ in _schema(path):
            declared = self.declaration.get(name)
            kind = _kind(path, name, type_, declared)
            if kind == Kind.FLOAT and declared is not None and declared.kind == "integer":
                found[name] = self._whole_or_not(path, name)
            else:
                found[name] = {kind: Sighting(path)}
        return found

    def settle(self, found: Evidence) -> Columns:
        """Returns the kinds of all columns of the whole input. Raises DataError if files contradict each other."""
        return columns.agreed(found, self.declaration)

    def rows(self, path: str, kinds: Columns) -> Iterator[Row]:
        """Reads the file.

        Args:
          path: path of the file.
          kinds: kinds of the columns of the whole input. If one is float, its integers become floats. A column that
            has none is left out.

        Yields:
          File and row number, an example and the values by column, for each row. A null is a missing
          feature. An empty list is a feature without values.

        Raises:
          DataError: if a value does not fit int64 or float32, or if a list holds a null. The message names file and
            column.
        """
        import tensorflow as tf

        with _parquet(path) as parquet:
            names = parquet.schema_arrow.names
            wanted = [(index, name, kinds[name]) for index, name in enumerate(names) if name in kinds]
            for number, row in sampled(enumerate(_rows(parquet), start=1), self.most_rows):
                example = tf.train.Example()
                features = example.features.feature
                for index, name, kind in wanted:
                    value = row[index]
                    if value is not None:
                        values = value if isinstance(value, list) else [value]
                        _set(features, name, kind, _checked(path, name, values))
                yield Row(f"{path}, row {number}", example, dict(zip(names, row, strict=True)))

    def column(self, path: str, name: str) -> Iterator[tuple[str, Any]]:
        """Yields file and row number, and the value of one column, for each row.

        Raises:
          DataError: if there is no such column.
        """
        with _parquet(path) as parquet:
            columns.place_of(path, parquet.schema_arrow.names, name)
            for number, (value,) in sampled(enumerate(_rows(parquet, [name]), start=1), self.most_rows):
                yield f"{path}, row {number}", value

    def about(self, path: str) -> int:
        """Returns how many rows a file has, which its footer says. Raises DataError if it is not Parquet."""
        with _parquet(path) as parquet:
            return int(parquet.metadata.num_rows)

    def _whole_or_not(self, path: str, name: str) -> dict[Kind, Sighting]:
        """Returns INTEGER for a column of whole floats; otherwise FLOAT, with a value that is not whole."""
        for place, value in self.column(path, name):
            for one in value if isinstance(value, list) else [value]:
                if one is not None and not math.isnan(one) and not columns.is_whole(float(one)):
                    return {Kind.FLOAT: Sighting(place, str(one))}
        return {Kind.INTEGER: Sighting(path)}


class _UnreadableError(Exception):
    """A column holds what Python has no value for."""

    def __init__(self, name: str, type_: Any) -> None:
        super().__init__(
            f"column '{name}' holds a {type_} that is not of the years 1 to 9999. Is its unit right? Correct it, or "
            "cast the column to integers"
        )


def _rows(parquet: Any, names: list[str] | None = None) -> Iterator[tuple[Any, ...]]:
    """Yields the values of each row, of all columns or of those with these names."""
    for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=names):
        values = [_values(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
        yield from zip(*values, strict=True)


@contextlib.contextmanager
def _parquet(path: str) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    with open_file(path) as opened:
        try:
            yield parquet.ParquetFile(opened)
        except _UnreadableError as error:
            raise DataError(f"{path}: {error}") from None
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}: is not Parquet, or damaged: {error}. Check data.format, or copy it again"
            ) from None


def _schema(path: str) -> list[tuple[str, Any]]:
    with _parquet(path) as parquet:
        schema = [(field.name, field.type) for field in parquet.schema_arrow]
    columns.check_names(path, [name for name, _ in schema])
    return schema


def _values(name: str, column: Any) -> list[Any]:
    from pyarrow import types

    try:
        return list(_plain(column).to_pylist())
    except (ValueError, OverflowError):
        if not types.is_temporal(column.type):
            raise
        raise _UnreadableError(name, column.type) from None


def _plain(column: Any) -> Any:
    """Returns the column with timestamps that Python's datetime can hold: microseconds, in UTC if there is a zone.

    Raises ArrowInvalid, a ValueError, for a time that is beyond 64 bits in microseconds.
    """
    from pyarrow import compute, timestamp, types

    if not types.is_timestamp(column.type):
        return column
    plain = timestamp("us", "UTC" if column.type.tz else None)
    return compute.cast(column, options=compute.CastOptions(plain, allow_time_truncate=True))


def _kind(path: str, name: str, type_: Any, declared: Declared | None) -> Kind:
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
    # Lists of dates are not supported, because nobody has named a use for them.
    if types.is_date(type_) or types.is_timestamp(type_):
        return Kind.INTEGER if declared is not None and declared.kind == "integer" else Kind.TEXT
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
        "floats, booleans, text or bytes, or to lists of these, or to dates or timestamps"
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


def _set(features: Any, name: str, kind: Kind, values: list[Any]) -> None:
    if kind == Kind.INTEGER:
        whole = [_integer(value) for value in values if value == value]  # noqa: PLR0124, NaN differs from itself
        if len(whole) == len(values):
            features[name].int64_list.value[:] = whole
            features[name].int64_list.SetInParent()
    elif kind == Kind.FLOAT:
        features[name].float_list.value[:] = [float(value) for value in values]
        features[name].float_list.SetInParent()
    else:
        features[name].bytes_list.value[:] = [_bytes(value) for value in values]
        features[name].bytes_list.SetInParent()


def _integer(value: Any) -> int:
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return math.floor(aware.timestamp())
    return (value - _EPOCH).days if isinstance(value, datetime.date) else int(value)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes) else str(value.isoformat()).encode()
