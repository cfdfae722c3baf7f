"""Rows of texts, counted and serialized column by column.

The kinds of the columns are known. So one loop in C converts a whole column, which is then compared with the task's
declaration. A serialized example is joined from the serialized features of a row. Protobuf serializes each feature only
once for each different text. A column of floats takes one call, because all floats have the same number of bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.components.example_gen import columns
from limbeck.components.example_gen.blocks import serialize
from limbeck.components.example_gen.columns import Columns, Kind
from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.inspection import OneValued, SplitSummary

if TYPE_CHECKING:
    import tensorflow as tf

# How many texts of one column are remembered with their serialized feature.
_REMEMBERED = 1 << 14
_NUMBERS = {Kind.INTEGER: "INT", Kind.FLOAT: "FLOAT"}
# The tag of `features` in a tf.Example: field 1, with a length.
_FEATURES = b"\x0a"


class TextColumns:
    """Converts the columns of one file. It remembers converted values, so use one object for a whole file."""

    def __init__(self, path: str, names: Sequence[str], kinds: Columns) -> None:
        self.path, self.names = path, tuple(names)
        # Protobuf sorts the features of an example by the bytes of their names, if it must be deterministic.
        order = sorted(
            (index for index, name in enumerate(names) if name in kinds), key=lambda at: names[at].encode()
        )
        self.wanted = [(index, names[index], kinds[names[index]]) for index in order]
        self.converters = [_converter(name, kind) for _, name, kind in self.wanted]


@dataclasses.dataclass(frozen=True)
class TextBlock:
    """Rows of one file.

    Attributes:
      columns: converts the columns of the file.
      lines: the number of the first line of each row.
      rows: the fields of each row.
    """

    columns: TextColumns
    lines: Sequence[int]
    rows: Sequence[Sequence[str]]

    def values(self) -> Iterator[Mapping[str, str]]:
        """Yields the fields of each row by column."""
        return (dict(zip(self.columns.names, row, strict=True)) for row in self.rows)

    def select(self, rows: Sequence[int]) -> TextBlock:
        """Returns some of the rows, by their positions in the block."""
        return TextBlock(self.columns, [self.lines[row] for row in rows], [self.rows[row] for row in rows])

    def records(self, summary: SplitSummary, declaration: Declaration) -> list[bytes]:
        """Counts the rows in the summary of a split. Returns their serialized tf.Examples."""
        if not self.rows:
            return []
        by_column, found, features = list(zip(*self.rows, strict=True)), {}, []
        for (index, name, kind), convert in zip(self.columns.wanted, self.columns.converters, strict=True):
            found[name], serialized = _converted(by_column[index], kind, convert)
            features.append(serialized)
        bodies = map(b"".join, zip(*features, strict=True)) if features else [b""] * len(self.rows)
        records = [_FEATURES + _varint(len(body)) + body if body else b"" for body in bodies]
        places = [f"{self.columns.path}:{line}" for line in self.lines]
        if summary.take_columns(places, found, declaration):
            return records
        return [_taken(record, place, summary, declaration) for record, place in zip(records, places, strict=True)]


def _taken(record: bytes, place: str, summary: SplitSummary, declaration: Declaration) -> bytes:
    """Counts one row of a block in which some row has a fault. Returns its serialized tf.Example."""
    import tensorflow as tf

    example = tf.train.Example.FromString(record)
    summary.take(example, place, declaration)
    return serialize(example)


# Takes fields that are not empty. Returns their values, and the serialized feature of each.
_Converter = Callable[[Sequence[str]], tuple[Any, list[bytes]]]


def _converter(name: str, kind: Kind) -> _Converter:
    if kind == Kind.FLOAT:
        return functools.partial(_floats, _feature(name, kind, "0")[: -struct.calcsize("<f")])
    remembered = functools.lru_cache(_REMEMBERED)(functools.partial(_feature, name, kind))
    value_of = integer if kind == Kind.INTEGER else str.encode
    return lambda fields: (list(map(value_of, fields)), list(map(remembered, fields)))


def _floats(head: bytes, fields: Sequence[str]) -> tuple[Any, list[bytes]]:
    import numpy as np

    try:
        numbers = list(map(float, fields))
    except ValueError:
        numbers = list(map(number, fields))
    with np.errstate(over="ignore"):
        values = np.array(numbers, np.float64).astype("<f4")
    return values, [head + value for (value,) in struct.iter_unpack("4s", values.tobytes())]


def _converted(fields: Sequence[str], kind: Kind, convert: _Converter) -> tuple[OneValued, list[bytes]]:
    """Returns the values of a column, and the serialized feature of each row; nothing for a row that has none."""
    told = _NUMBERS.get(kind, "BYTES")
    if all(fields):
        values, features = convert(fields)
        return OneValued(told, values, None), features
    rows = [row for row, field in enumerate(fields) if field]
    values, features = convert([fields[row] for row in rows])
    spread = [b""] * len(fields)
    for row, feature in zip(rows, features, strict=True):
        spread[row] = feature
    return OneValued(told, values, rows), spread


def _feature(name: str, kind: Kind, text: str) -> bytes:
    """Returns the serialized features of an example that has only this feature."""
    import tensorflow as tf

    features = tf.train.Features()
    set_text(features.feature[name], kind, text)
    return bytes(features.SerializeToString(deterministic=True))


def set_text(feature: tf.train.Feature, kind: Kind, text: str) -> None:
    """Gives a feature the value of a field that is not empty: int64, float, or the bytes of the text as UTF-8."""
    if kind == Kind.INTEGER:
        feature.int64_list.value.append(integer(text))
    elif kind == Kind.FLOAT:
        feature.float_list.value.append(number(text))
    else:
        feature.bytes_list.value.append(text.encode())


def integer(text: str) -> int:
    """Returns the integer of a field. Only a column that is declared as integers holds `true` or `7.0`."""
    try:
        return int(text)
    except ValueError:
        return columns.whole(text)


def number(text: str) -> float:
    """Returns the number of a field. Only a column that is declared as numbers holds `true`."""
    try:
        return float(text)
    except ValueError:
        return float(columns.whole(text))


def _varint(size: int) -> bytes:
    """Returns a number as protobuf writes lengths: seven bits a byte, the lowest first."""
    content = bytearray()
    while size > 0x7F:  # noqa: PLR2004
        content.append(size & 0x7F | 0x80)
        size >>= 7
    content.append(size)
    return bytes(content)
