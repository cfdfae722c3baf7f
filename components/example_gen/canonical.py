"""Hashes rows so that neither the way in which a value was written nor the kind of its column matters.

Rows are divided by a hash, so the hash of a row must not change if something else changes. The obvious candidates do
change:

- The example id (`limbeck.trainer.data.preprocessing.content_id`) is made by Transform, over the features of the
  schema. A new column in one new row would change the id of every row. It is also not known before Transform.
- The serialized example depends on the kind of each column, and the kind on all rows: if the task does not declare a
  column, one row with 17.5 turns all its integers into floats.
- The text in a file changes when pandas writes the file again: one missing value turns 1 into 1.0 in every row.

So values that can be read as numbers are hashed as numbers. Values that an export may write in two ways (1, 1.0, 01,
true) have the same canonical text. Some such values are really different ("007" and "7" in a column of texts); then
their rows are in the same split, which does no harm. Missing values are not hashed, so a new column that old rows do
not have does not move these rows either.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import math
import struct
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from limbeck.components.example_gen.columns import FLOAT32_LIMIT

_BITS = 64
# The range of `digest`.
HASHES = 2**_BITS
_NUMERIC_START = frozenset(b"0123456789+-. ")
_LONGEST_NUMBER = 40
_FLOAT32 = struct.Struct("<f")
_REMEMBERED = 1 << 14
_BOOLEANS = {b"true": b"1", b"false": b"0"}


def digest(values: Mapping[str, Any], names: Iterable[str]) -> int:
    """Returns a hash of a row's values under some names: BLAKE2b (RFC 7693), an integer below `HASHES`.

    Args:
      values: raw values by name, as a reader yields them.
      names: the names that count, in any order. A name that the row lacks counts as little as a missing value.
    """
    parts = []
    for name, key in _keys(tuple(names)):
        value = values.get(name)
        # Nearly all values are texts.
        text = _of_text(value) if type(value) is str else canonical(value)
        if text:
            parts.append(b"%b%d:%b" % (key, len(text), text))
    return int.from_bytes(hashlib.blake2b(b"".join(parts), digest_size=_BITS // 8).digest(), "big")


def row_digest(values: Mapping[str, Any], without: Collection[str]) -> int:
    """Returns the hash of all values of a row except those under some names."""
    return digest(values, [name for name in values if name not in without])


def canonical(value: Any) -> bytes:
    """Returns the text of a raw value; it is empty if the value is missing.

    Args:
      value: a number, text, bytes, date, timestamp or None, or a list of these.
    """
    if not isinstance(value, list):
        return _one(value)
    parts = [text for text in map(_one, value) if text]
    return parts[0] if len(parts) == 1 else b"".join(b"%d:%b" % (len(part), part) for part in parts)


@functools.lru_cache
def _keys(names: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """Returns the names in order, each with its length and bytes. Kept, because every row asks for the same ones."""
    return [(name, b"%d:%b" % (len(name.encode()), name.encode())) for name in sorted(names)]


def _one(value: Any) -> bytes:
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, datetime.date):
        return value.isoformat().encode()
    return b"" if value is None else str(value).encode()


# Many columns hold few different texts.
@functools.lru_cache(_REMEMBERED)
def _of_text(value: str) -> bytes:
    return _text(value.encode(errors="surrogatepass"))


def _text(value: bytes) -> bytes:
    if not value or len(value) > _LONGEST_NUMBER or b"_" in value:
        # Python reads 1_0 as a number. No other program does.
        return value
    if value[0] not in _NUMERIC_START:
        return _BOOLEANS.get(value.lower(), value)
    stripped = value.strip()
    try:
        return b"%d" % int(stripped) if stripped.lstrip(b"+-").isdigit() else _number(float(stripped))
    except ValueError:
        return value


def _number(value: float) -> bytes:
    if math.isfinite(value) and value == int(value):
        return b"%d" % int(value)
    if abs(value) < FLOAT32_LIMIT:
        # The example will hold the value as float32.
        [value] = _FLOAT32.unpack(_FLOAT32.pack(value))
    return repr(value).encode()
