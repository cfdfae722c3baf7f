"""Shows the inputs of one example to a person: as a picture, or as short texts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from limbeck.errors import TaskError, nearest
from limbeck.examples import RESERVED
from limbeck.report import findings
from limbeck.task import Feature, Picture

MOST_INPUTS = 20
CHARACTERS = 60
MISSING = "missing"
# The largest number of pixels on the longer side: more would not be visible, and would make the file large.
SIDE = 64

ExampleFeatures = Mapping[str, Any]


def as_picture(features: ExampleFeatures, picture: Picture) -> findings.GreyImage:
    """Takes the picture out of an example.

    Args:
      features: `tf.train.Feature` messages by name.
      picture: which input it is. Of a large picture, every n-th row and column is kept, at most 64 each.

    Returns:
      The picture, from 0 to 1. Numbers outside that range are clipped, and NaN is black.

    Raises:
      TaskError: if the example has no such input, or if the input does not hold `rows * columns` numbers.
    """
    names = _inputs(features)
    if picture.input not in names:
        raise TaskError(
            f"the task's picture is '{picture.input}', which is not a model input.{nearest(picture.input, names)} "
            f"preprocessing_fn returns: {', '.join(names)}"
        )
    kind, values = _values(features[picture.input])
    if kind == "bytes_list" or len(values) != picture.rows * picture.columns:
        received = f"{len(values)} {'texts' if kind == 'bytes_list' else 'numbers'}"
        raise TaskError(
            f"the task's picture '{picture.input}' of {picture.rows} x {picture.columns} pixels needs "
            f"{picture.rows * picture.columns} numbers in each example, but an example holds {received}: correct the "
            "rows and columns of the task's picture"
        )
    pixels = np.asarray(values, np.float64).reshape(picture.rows, picture.columns)
    every = -(-max(pixels.shape) // SIDE)
    shown = np.clip(np.nan_to_num(pixels[::every, ::every] / picture.brightest), 0, 1).round(4)
    return findings.GreyImage(tuple(tuple(row) for row in shown.tolist()))


def as_texts(features: ExampleFeatures) -> dict[str, str]:
    """Returns the first 20 inputs of an example, by name, as texts of at most 60 characters.

    Args:
      features: `tf.train.Feature` messages by name.
    """
    return {name: _text(features[name], _short) for name in _inputs(features)[:MOST_INPUTS]}


def as_raw_texts(features: ExampleFeatures, declared: Sequence[Feature]) -> dict[str, str]:
    """Returns the first 20 declared features of a raw example, by name, as texts of at most 60 characters.

    Args:
      features: `tf.train.Feature` messages by name.
      declared: the features of the task; the label is none of them.
    """
    given = {one.name: features.get(one.name) for one in declared[:MOST_INPUTS]}
    return {name: (one is not None and _text(one, _exact)) or MISSING for name, one in given.items()}


def _inputs(features: ExampleFeatures) -> list[str]:
    return sorted(name for name in features if name not in RESERVED)


def _values(feature: Any) -> tuple[str, Any]:
    kind = feature.WhichOneof("kind") or "float_list"
    return kind, getattr(feature, kind).value


def _text(feature: Any, number: Callable[[float], str]) -> str:
    _, values = _values(feature)
    # Each value takes at least one character, so more values than that would not be shown.
    text = ", ".join(_value_text(value, number) for value in itertools.islice(values, CHARACTERS))
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"


def _value_text(value: float | bytes, number: Callable[[float], str]) -> str:
    if isinstance(value, bytes):
        return value.decode() if _is_text(value) else f"{len(value):,} bytes"
    return number(value) if isinstance(value, float) else str(value)


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _short(number: float) -> str:
    return f"{number:.4g}"


def _exact(number: float) -> str:
    """Returns the shortest text that reads as the same float32: 14.85, and not 14.850000381469727."""
    return str(np.float32(number)).removesuffix(".0")
