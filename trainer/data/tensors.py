"""Converts rows of a packed split into the tensors that `tf.io.parse_example` would return.

Keras' layers and tasks expect the tensors of a feature spec: their shape, and whether they are dense, sparse or ragged.
Packed values are flat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.aliases import Features, FeatureSpec, Tensor
from limbeck.errors import DataError
from limbeck.trainer.data.layout import Layout
from limbeck.trainer.data.packed import Records


def arrays_of(layout: Layout, records: Records) -> list[npt.NDArray[Any]]:
    """Returns the values of some examples as arrays of one type each, for `features_of`."""
    dense = [layout.integers(records.rows), layout.floats(records.rows)]
    values = list(records.values)
    if values and layout.serialized:
        values[-1] = records.serialized()
    return [*map(np.ascontiguousarray, dense), *values, *records.counts]


def types_of(layout: Layout, *, streams: bool) -> list[Any]:
    """Returns the tf.DType of each array that `arrays_of` returns, for records with or without streams."""
    import tensorflow as tf

    values = [tf.string if dtype == "uint8" else tf.as_dtype(dtype) for dtype in layout.streams if streams]
    return [tf.int64, tf.float32, *values, *([tf.int64] * len(values))]


def all_dense(layout: Layout, spec: FeatureSpec) -> bool:
    """Returns whether rows alone hold all features of a spec: every feature is dense, so no stream is needed."""
    return all(_dense(layout, name, kind) for name, kind in spec.items())


def features_of(layout: Layout, spec: FeatureSpec, arrays: Sequence[Tensor], lead: Tensor) -> Features:
    """Returns features by name, as `tf.io.parse_example` does.

    Args:
      layout: the columns of the split.
      spec: the requested features.
      arrays: the tensors of `arrays_of`.
      lead: the first axes of each dense feature: `[examples]`, or `[batches, examples in a batch]`. Sparse and ragged
        features have one axis of examples.

    Raises:
      DataError: if the split was packed without a feature, or with another size of it.
    """
    import tensorflow as tf

    streams = (len(arrays) - 2) // 2
    for array, rank in zip(arrays, [2, 2, *[1] * (2 * streams)], strict=True):
        array.set_shape([None] * rank)
    pieces: Features = {}
    for dtype, array in zip(("int64", "float32"), arrays, strict=False):
        columns = layout.fixed(dtype)
        if columns:
            parts = tf.split(array, layout.sizes(dtype), axis=1)
            pieces |= {column.name: part for column, part in zip(columns, parts, strict=True)}
    ragged = {
        column.name: tf.RaggedTensor.from_row_lengths(values, counts, validate=False)
        for column, values, counts in zip(
            layout.variable, arrays[2 : 2 + streams], arrays[2 + streams :], strict=False
        )
    }
    found = {}
    for name, kind in spec.items():
        if _dense(layout, name, kind):
            found[name] = _shaped(pieces[name], lead, _shape(kind, name, pieces[name].shape[1]))
        elif _of_values(kind) and (name in ragged or name in pieces):
            values = ragged[name] if name in ragged else tf.RaggedTensor.from_tensor(pieces[name])
            found[name] = _as(kind, values)
    others = {name: kind for name, kind in spec.items() if name not in found}
    if others and not layout.serialized:
        raise DataError(
            f"the examples were packed without {', '.join(map(repr, sorted(others)))}, or with another number of "
            "values: pack them again"
        )
    # Features keep the order of the spec, so that the structures of several datasets agree.
    found |= tf.io.parse_example(arrays[1 + streams], others) if others else {}
    return {name: found[name] for name in spec}


def _dense(layout: Layout, name: str, kind: Any) -> bool:
    import tensorflow as tf

    column = layout.column(name)
    if column is None or column.size is None or column.dtype != kind.dtype.name:
        return False
    if isinstance(kind, tf.io.FixedLenSequenceFeature):
        return True
    return isinstance(kind, tf.io.FixedLenFeature) and math.prod(kind.shape) == column.size


def _shape(kind: Any, name: str, size: int) -> list[int]:
    import tensorflow as tf

    shape = list(kind.shape)
    if not isinstance(kind, tf.io.FixedLenSequenceFeature):
        return shape
    if size % math.prod(shape):
        raise DataError(f"'{name}' has {size} values in each example, which are not rows of {shape} values")
    return [size // math.prod(shape), *shape]


def _shaped(values: Tensor, lead: Tensor, shape: list[int]) -> Tensor:
    import tensorflow as tf

    shaped = tf.reshape(values, tf.concat([lead, tf.constant(shape, lead.dtype)], axis=0))
    return tf.ensure_shape(shaped, [None] * lead.shape[0] + shape)


def _of_values(kind: Any) -> bool:
    import tensorflow as tf

    return isinstance(kind, tf.io.VarLenFeature) or (isinstance(kind, tf.io.RaggedFeature) and not kind.partitions)


def _as(kind: Any, values: Any) -> Any:
    import tensorflow as tf

    if isinstance(kind, tf.io.VarLenFeature):
        return values.to_sparse()
    return values.with_row_splits_dtype(kind.row_splits_dtype)
