"""Turns a model's answers into rows of Parquet, with one column for each output of its signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limbeck.components.bulk_scoring.job import PLACE
from limbeck.errors import ConfigError, TaskError

# The output has one value for each example, or one row of values.
_ONE, _SEVERAL = 1, 2


def outputs_of(model: Any) -> dict[str, Any]:
    """Returns the tf.TensorSpec of each output of a loaded SavedModel's signature `serving_default`, by name."""
    import tensorflow as tf

    signature = model.signatures["serving_default"]
    return {name: tf.TensorSpec(one.shape, one.dtype) for name, one in signature.structured_outputs.items()}


def schema(outputs: Mapping[str, Any], keep: Sequence[str]) -> Any:
    """Returns the pyarrow schema of the answers.

    Args:
      outputs: the tf.TensorSpec of each output of the signature `serving_default`, `[batch]` or `[batch, n]`.
      keep: raw columns that are kept, as texts.

    Raises:
      ConfigError: if a kept column has the name of an output.
      TaskError: if an output has another shape.
    """
    import pyarrow as pa

    both = sorted(set(keep) & set(outputs))
    if both:
        raise ConfigError(
            f"--keep names {', '.join(map(repr, both))}, and the model's answers have that name: leave it out, or "
            "rename the column in the data"
        )
    fields = [pa.field(PLACE, pa.string(), nullable=False), *(pa.field(name, pa.string()) for name in keep)]
    for name, spec in sorted(outputs.items()):
        if spec.shape.rank not in (_ONE, _SEVERAL):
            raise TaskError(
                f"an answer is a value or a row of values for each example, but '{name}' has the shape {spec.shape}: "
                "change `answers` of the task's objective"
            )
        one = pa.string() if spec.dtype.name == "string" else pa.from_numpy_dtype(spec.dtype.as_numpy_dtype)
        fields.append(pa.field(name, one if spec.shape.rank == _ONE else pa.list_(one), nullable=False))
    return pa.schema(fields)


def row(place: str, kept: Mapping[str, str | None], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Returns one row of the answers. `answer` has the values of one example: NumPy scalars, or arrays `[n]`."""
    return {PLACE: place, **kept, **plain(answer)}


def plain(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the answer to one example as numbers, texts and lists."""
    return {name: _plain(value) for name, value in answer.items()}


def _plain(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value
