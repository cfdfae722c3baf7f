"""Describes the tensors that a signature takes and returns, and makes arrays of what a client sent.

A wrong request must be refused before TensorFlow gets it, because TensorFlow's messages name nodes of a graph, and
clients only know the names of features. Texts are arrays of bytes objects.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

# The names of the Open Inference Protocol.
_DATATYPES = {
    "bool": "BOOL",
    "string": "BYTES",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    **{f"{sign.lower()}int{bits}": f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)},
}

# Keyed by dtype, because NumPy takes longer to compute a dtype's name than to look it up.
_OF_ARRAYS = {np.dtype(object if dtype == "string" else dtype): datatype for dtype, datatype in _DATATYPES.items()}
# The type as which each of them is read.
DTYPES = {datatype: dtype for dtype, datatype in _OF_ARRAYS.items()}

Array = np.ndarray[Any, Any]


class RequestError(ValueError):
    """A request that no model can answer. The message is for the client."""


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """One tensor.

    Attributes:
      name: its name in the signature.
      dtype: NumPy's name of the dtype, or `string`.
      shape: -1 stands for any size. The first axis is the batch.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def datatype(self) -> str:
        """The dtype as the Open Inference Protocol calls it."""
        return _DATATYPES[self.dtype]

    def array(self, values: Any) -> Array:
        """Returns values as an array of this dtype and shape. Raises RequestError if they do not fit."""
        try:
            array = texts(values) if self.dtype == "string" else numbers(values, np.dtype(self.dtype))
        except (ValueError, TypeError, OverflowError) as error:
            raise RequestError(
                f"'{self.name}' takes {self.dtype} values of shape {self._sizes}: {error}"
            ) from error
        fits = len(array.shape) == len(self.shape) and all(
            size in (-1, given) for size, given in zip(self.shape, array.shape, strict=True)
        )
        if not fits:
            raise RequestError(
                f"'{self.name}' takes values of shape {self._sizes}; received {list(array.shape)}. The first axis is "
                "the batch"
            )
        return array

    @property
    def _sizes(self) -> str:
        return "[" + ", ".join("any" if size < 0 else str(size) for size in self.shape) + "]"


def datatype_of(array: Array) -> str:
    """Returns the Open Inference Protocol's name for the dtype of an array. Raises KeyError if there is none."""
    return _OF_ARRAYS[array.dtype]


def batch_of(arrays: Mapping[str, Array]) -> int:
    """Returns the number of examples. Raises RequestError if the arrays disagree, or if there is no example."""
    sizes = {name: len(array) for name, array in arrays.items()}
    if len(set(sizes.values())) != 1:
        raise RequestError(f"all inputs must have as many examples; received {sizes}")
    [size] = set(sizes.values())
    if not size:
        raise RequestError("a request must have an example; received none")
    return size


def numbers(values: Any, dtype: np.dtype[Any]) -> Array:
    """Returns an array of numbers. Raises TypeError, OverflowError or ValueError if they do not have this dtype."""
    array = np.asarray(values)
    if array.dtype == dtype:
        return array
    if array.dtype.kind not in "buif" or (dtype.kind in "iu" and array.dtype.kind == "f"):
        raise TypeError(f"received values such as {_first(array)!r}")
    if (
        dtype.kind in "iu"
        and array.size
        and not (np.iinfo(dtype).min <= array.min() <= array.max() <= np.iinfo(dtype).max)
    ):
        raise OverflowError(f"received {array.min()} to {array.max()}")
    return array.astype(dtype)


def texts(values: Any) -> Array:
    """Returns an array of bytes. Raises TypeError if there is anything else than texts and bytes."""
    array = np.asarray(values, dtype=object)
    encoded = [one.encode() if isinstance(one, str) else one for one in array.ravel()]
    strange = next((one for one in encoded if not isinstance(one, bytes)), None)
    if strange is not None:
        raise TypeError(f"received values such as {strange!r}")
    made = np.empty(array.size, dtype=object)
    made[:] = encoded
    return made.reshape(array.shape)


def _first(array: Array) -> Any:
    return array.ravel()[0] if array.size else array
