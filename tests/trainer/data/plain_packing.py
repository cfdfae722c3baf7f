"""Packs examples in plain Python, a value at a time, as layout, checksum and packing in `trainer/data` describe it."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

MASK = 2**64 - 1
GAMMA = 0x9E3779B97F4A7C15
FORMATS = {"int64": "<q", "float32": "<f", "uint8": "<B"}


class Plain(NamedTuple):
    """A column: its name, its dtype, its number of values (None: any), its feature, and what a gap holds."""

    name: str
    dtype: str
    size: int | None
    feature: str = ""
    default: tuple[float, ...] = ()


def mixed(word: int) -> int:
    word ^= word >> 30
    word = word * 0xBF58476D1CE4E5B9 & MASK
    word ^= word >> 27
    word = word * 0x94D049BB133111EB & MASK
    return word ^ word >> 31


def values_of(example: Any, column: Plain) -> list[Any]:
    feature = example.features.feature[column.feature or column.name]
    kind = "int64_list" if column.dtype == "int64" else "float_list"
    return list(getattr(feature, kind).value) or list(column.default)


def check_of(values: Sequence[Any], dtype: str) -> int:
    bits = [int.from_bytes(struct.pack(FORMATS[dtype], value), "little") for value in values]
    return sum(mixed(one ^ ((place + 1) * GAMMA & MASK)) for place, one in enumerate(bits)) & MASK


def row_of(example: Any, serialized: bytes, columns: Sequence[Plain], begins: Sequence[int], kept: bool) -> bytes:
    fixed = [column for column in columns if column.size is not None]
    integers = [value for one in fixed if one.dtype == "int64" for value in values_of(example, one)]
    floats = [value for one in fixed if one.dtype == "float32" for value in values_of(example, one)]
    row = b"".join(struct.pack("<q", value) for value in integers)
    for begin, (values, dtype) in zip(begins, streams_of(example, serialized, columns, kept), strict=True):
        row += struct.pack("<qqQ", begin, len(values), check_of(values, dtype))
    row += b"".join(struct.pack("<f", value) for value in floats)
    return row + bytes(-len(row) % 8)


def streams_of(example: Any, serialized: bytes, columns: Sequence[Plain], kept: bool) -> list[tuple[Any, str]]:
    found: list[tuple[Any, str]] = [(values_of(example, one), one.dtype) for one in columns if one.size is None]
    return [*found, (serialized, "uint8")] if kept else found


def pack(
    examples: Sequence[bytes], columns: Sequence[Plain], labelled: Callable[[int], bool], *, kept: bool
) -> dict[str, bytes]:
    """Returns the content of all files but the seal, by name.

    Args:
      examples: serialized examples.
      columns: sorted by name; one is `label`, a single integer.
      labelled: whether a label is one.
      kept: whether serialized examples are kept.
    """
    parsed = [(tf.train.Example.FromString(one), one) for one in examples]
    count = len(streams_of(*parsed[0], columns, kept))

    def key(pair: tuple[Any, bytes]) -> tuple[bytes, str]:
        [example_id] = pair[0].features.feature["example_id"].bytes_list.value
        return example_id, hashlib.sha256(row_of(*pair, columns, [0] * count, kept)).hexdigest()

    parsed.sort(key=key)
    described = [{"name": one.name, "dtype": one.dtype, "size": one.size} for one in columns]
    text = json.dumps({"columns": described, "serialized": kept}, sort_keys=True)
    streams, begins, rows = [b""] * count, [0] * count, []
    for pair in parsed:
        rows.append(row_of(*pair, columns, begins, kept))
        for number, (values, dtype) in enumerate(streams_of(*pair, columns, kept)):
            streams[number] += b"".join(struct.pack(FORMATS[dtype], value) for value in values)
            begins[number] += len(values)
    label = Plain("label", "int64", 1)
    flags = [labelled(values_of(example, label)[0]) for example, _ in parsed]
    return {
        "records.bin": b"".join(rows),
        "index.npy": _index([_row_check(row, text) for row in rows], flags),
        "layout.json": text.encode(),
        **{f"stream-{number}.bin": stream for number, stream in enumerate(streams)},
    }


def _row_check(row: bytes, text: str) -> int:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    words = struct.unpack(f"<{len(row) // 8}Q", row)
    keys = [mixed(((place + 1) * GAMMA + seed) & MASK) for place in range(len(words))]
    return sum(mixed(word ^ key) for word, key in zip(words, keys, strict=True)) & MASK


def _index(checks: Sequence[int], flags: Sequence[bool]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(list(zip(checks, flags, strict=True)), [("check", "<u8"), ("labelled", "?")]))
    return stream.getvalue()
