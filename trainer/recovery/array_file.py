"""Writes named arrays into one file with a digest, and checks all of it when the file is read.

`numpy.savez` alone has no digest, seeks in the file, which an object store cannot do, and fails for types that NumPy
does not know, such as bfloat16. Here the file is written from front to back and hashed on the way. Nothing is pickled.
Only one array at a time is in memory, because all arrays of a model in stages may not fit.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import weakref
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.records import STRICT

_PIECE_BYTES = 1 << 20
# ml_dtypes has no type hints.
_format: Any = np.lib.format
_HEADERS = {(1, 0): _format.read_array_header_1_0, (2, 0): _format.read_array_header_2_0}

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


@dataclass(frozen=True, config=STRICT)
class ArrayType:
    """The name, the shape and the dtype of an array in the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def of(cls, name: str, array: Array) -> ArrayType:
        """Returns the type of an array with this name."""
        return cls(name, array.shape, array.dtype.name)


@dataclasses.dataclass(frozen=True)
class Written:
    """A file of arrays that was written.

    Attributes:
      bytes: its size.
      sha256: its SHA-256, in hexadecimal.
      types: the type of each array, in order.
    """

    bytes: int
    sha256: str
    types: tuple[ArrayType, ...]


class StoredArrays(Mapping[str, Array]):
    """The arrays of a file that was checked. An array is read each time it is accessed, and not kept."""

    def __init__(self, file: Any, types: Sequence[ArrayType]) -> None:
        """Takes an open file. It is closed when the arrays are garbage-collected.

        Raises:
          DamagedArraysError: if an array has another shape.
          ValueError, KeyError, TypeError, zipfile.BadZipFile: if the file holds something else.
        """
        weakref.finalize(self, file.close)
        self._archive = zipfile.ZipFile(file)
        self.types = {one.name: one for one in types}
        for one in types:
            found = self._shape_of(one.name)
            if found != one.shape:
                raise DamagedArraysError(f"{one.name} should be of shape {one.shape}, but is {found}")

    def __getitem__(self, name: str) -> Array:
        """Reads an array."""
        wanted = self.types[name]
        with self._archive.open(_entry(name)) as entry:
            return _typed(_format.read_array(entry, allow_pickle=False), wanted.dtype)

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names, in the order of the file."""
        return iter(self.types)

    def __len__(self) -> int:
        """Returns the number of arrays."""
        return len(self.types)

    def _shape_of(self, name: str) -> tuple[int, ...]:
        with self._archive.open(_entry(name)) as entry:
            header = _HEADERS[_format.read_magic(entry)]
            return tuple(header(entry)[0])


class DamagedArraysError(Exception):
    """A file of arrays is missing or was changed."""


def type_of(arrays: Arrays, name: str) -> ArrayType:
    """Returns the type of one of the arrays. If they are stored, it is not read."""
    return arrays.types[name] if isinstance(arrays, StoredArrays) else ArrayType.of(name, arrays[name])


def write(path: str, arrays: Arrays, check: Callable[[str, Array], None] = lambda name, array: None) -> Written:
    """Writes a file of arrays.

    Args:
      path: any path or URI that `limbeck.files` supports. An existing file is replaced.
      arrays: arrays of any shape and any type but Python objects, by name. Each is accessed once.
      check: called with each array before it is written. If it raises, a part of the file may exist.

    Raises:
      OSError: if the file cannot be written.
    """
    types = []
    with files.open_to_write(path) as file:
        stream = _HashingStream(file)
        # The same format as that of `numpy.savez`, which would need all arrays at once.
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for name in arrays:
                array = arrays[name]
                check(name, array)
                types.append(ArrayType.of(name, array))
                with archive.open(_entry(name), "w", force_zip64=True) as entry:
                    _format.write_array(entry, _plain(array), allow_pickle=False)
    return Written(stream.bytes, stream.sha256.hexdigest(), tuple(types))


def read(path: str, size: int, sha256: str, types: Sequence[ArrayType]) -> StoredArrays:
    """Opens a file of arrays, and checks it against what `write` returned.

    Raises:
      DamagedArraysError: if the file is missing, or is not the one that was written.
      OSError: if it cannot be read for another reason.
    """
    try:
        found = _size_and_digest(path)
        if found != (size, sha256):
            raise DamagedArraysError(
                f"its arrays should be {size} bytes with SHA-256 {sha256[:12]}, but are {found[0]} bytes with "
                f"{found[1][:12]}"
            )
        return StoredArrays(files.open_to_read(path), types)
    except FileNotFoundError:
        raise DamagedArraysError("its arrays are missing") from None
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DamagedArraysError(f"its arrays are damaged ({error})") from None


class _HashingStream(io.RawIOBase):
    """A stream that hashes what it writes. It cannot seek, so NumPy writes it from front to back.

    After a failure it ignores all further writes: the archive writes its end once more when Python deletes it, and the
    file is closed by then.
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


def _entry(name: str) -> str:
    return f"{name}.npy"


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
