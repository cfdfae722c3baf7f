"""Reads from a `.tflite` file which numbers it holds, how they are stored, and which operators compute in float.

A file may differ from what its recipe asks for. With dynamic range quantisation, the converter leaves weights of fewer
than 1,024 values in float32. It may fold a clustered kernel into other kernels. A pruned weight that is quantised with
a zero point other than 0 is not 0. So every figure of the report is read from the file by this module.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.compression_record import FileSize, StoredTensor

_FLOATS = ("float32", "float16")
# These operators convert between floating point and integers, or only move values.
_CONVERSIONS = frozenset(
    {"QUANTIZE", "DEQUANTIZE", "RESHAPE", "SHAPE", "PACK", "STRIDED_SLICE", "CAST", "GATHER", "CONCATENATION"}
)


def size_of(content: bytes) -> FileSize:
    """Returns the size of a file, as it is and compressed by gzip."""
    return FileSize(len(content), len(gzip.compress(content, mtime=0)))


def tensors(content: bytes) -> tuple[StoredTensor, ...]:
    """Returns the tensors of numbers that a file holds, from the largest to the smallest.

    They are floating-point and quantised tensors; shapes, indices and texts are left out.
    """
    found = [
        StoredTensor(
            name=details["name"],
            shape=tuple(int(size) for size in values.shape),
            dtype=values.dtype.name,
            elements=values.size,
            zeros=int((values == zero_points(details, values)).sum()),
            distinct=len(np.unique(values)),
        )
        for details, values in constants(content)
        if values.size and (values.dtype.name in _FLOATS or len(details["quantization_parameters"]["scales"]))
    ]
    return tuple(sorted(found, key=lambda one: (-one.elements, one.name)))


def constants(content: bytes) -> Iterator[tuple[dict[str, Any], npt.NDArray[Any]]]:
    """Yields the details and the stored values of each constant tensor of a file, as the interpreter reads them."""
    interpreter = _interpreter(content)
    held = _held(content)
    for details in interpreter.get_tensor_details():
        if details["index"] in held:
            yield details, np.array(interpreter.get_tensor(details["index"]))


def zero_points(details: dict[str, Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns the stored value that stands for 0, in a shape that broadcasts to `values`."""
    points = details["quantization_parameters"]["zero_points"]
    if len(points) <= 1:
        return np.asarray(points[0] if len(points) else 0, values.dtype)
    shape = [1] * values.ndim
    shape[details["quantization_parameters"]["quantized_dimension"]] = len(points)
    return np.asarray(points, values.dtype).reshape(shape)


def float_operators(content: bytes) -> tuple[str, ...]:
    """Returns the operators that compute in floating point, each once and sorted."""
    interpreter = _interpreter(content)
    types = {one["index"]: np.dtype(one["dtype"]).name for one in interpreter.get_tensor_details()}
    return tuple(
        sorted(
            {
                one["op_name"]
                for one in interpreter._get_ops_details()
                if one["op_name"] not in _CONVERSIONS
                and any(types.get(int(index)) in _FLOATS for index in one["outputs"])
            }
        )
    )


def _interpreter(content: bytes) -> Any:
    import tensorflow as tf

    # A delegate would add its own tensors, and hide operators.
    kind = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    return interpreter


def _held(content: bytes) -> set[int]:
    """Returns the numbers of the tensors whose values are in the file. All other tensors are computed."""
    from tensorflow.lite.python import schema_py_generated

    model = schema_py_generated.ModelT.InitFromObj(schema_py_generated.Model.GetRootAsModel(content, 0))
    return {
        number
        for number, tensor in enumerate(model.subgraphs[0].tensors)
        if model.buffers[tensor.buffer].data is not None
    }
