"""Writes named arrays into one file with a digest, and checks all of it when the file is read.

`numpy.savez` alone has no digest, seeks in the file, which an object store cannot do, and fails for types that NumPy
does not know, such as bfloat16. Here the file is written from front to back and hashed on the way. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.records import STRICT

_PIECE_BYTES = 1 << 20

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


@dataclass(frozen=True, config=STRICT)
class ArrayType:
    """The name, the shape and the dtype of an array in the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class DamagedArraysError(Exception):
    """A file of arrays is missing, or was changed."""


def types_of(arrays: Arrays) -> tuple[ArrayType, ...]:
    """Returns the type of each array, in order. `read` needs them."""
    return tuple(ArrayType(name, array.shape, array.dtype.name) for name, array in arrays.items())


def write(path: str, arrays: Arrays) -> tuple[int, str]:
    """Writes a file of arrays.

    Args:
      path: any path or URI that `limbeck.files` knows. A file that is there is replaced.
      arrays: arrays of any shape and any type but Python objects, by name.

    Returns:
      The size of the file in bytes, and its SHA-256 in hexadecimal.

    Raises:
      OSError: if the file cannot be written.
    """
    with files.open_to_write(path) as file:
        stream = _HashingStream(file)
        np.savez(stream, **{name: _plain(array) for name, array in arrays.items()})
    return stream.bytes, stream.sha256.hexdigest()


def read(path: str, size: int, sha256: str, types: Sequence[ArrayType]) -> Arrays:
    """Reads a file of arrays, and checks it against what `write` and `types_of` returned.

    Raises:
      DamagedArraysError: if the file is missing, or another than the one that was written.
      OSError: if it cannot be read for another reason.
    """
    try:
        found = _size_and_digest(path)
        if found != (size, sha256):
            raise DamagedArraysError(
                f"its arrays should be {size} bytes with SHA-256 {sha256[:12]}, but are {found[0]} bytes with "
                f"{found[1][:12]}"
            )
        with files.open_to_read(path) as file, np.load(file, allow_pickle=False) as stored:
            arrays = {one.name: _typed(stored[one.name], one.dtype) for one in types}
    except FileNotFoundError:
        raise DamagedArraysError("its arrays are missing") from None
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DamagedArraysError(f"its arrays are damaged ({error})") from None
    for one in types:
        if arrays[one.name].shape != one.shape:
            raise DamagedArraysError(f"{one.name} should be of shape {one.shape}, but is {arrays[one.name].shape}")
    return arrays


class _HashingStream(io.RawIOBase):
    """A stream that hashes what it writes. It cannot seek, so NumPy writes it from front to back.

    After a failure it drops whatever is written to it. The archive writes its end once more when Python deletes it, and
    the file is closed by then.
    """

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file, self.sha256, self.bytes, self._failed = file, hashlib.sha256(), 0, False

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self.sha256.update(piece)
        self.bytes += len(piece)
        if not self._failed:
            self._failed = True
            self._file.write(piece)
            self._failed = False
        return len(piece)


def _plain(array: Array) -> Array:
    """Returns the array with a type that NumPy can save. Bfloat16 and the like become integers of the same bytes."""
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "V" else array


def _typed(array: Array, dtype: str) -> Array:
    import tensorflow as tf

    wanted = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    if array.dtype != wanted and wanted.kind != "V":
        raise ValueError(f"an array of type {array.dtype} should be {dtype}")
    return array.view(wanted)


def _size_and_digest(path: str) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with files.open_to_read(path) as file:
        while piece := file.read(_PIECE_BYTES):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()
