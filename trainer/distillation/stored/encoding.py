"""Encodes the soft targets of one example as 64-bit words, and decodes words: the NumPy implementation, used in Beam.

All teachers of an ensemble keep the same classes: those with the highest mean probability. If each teacher kept its own
classes, one teacher's rest would contain a class that another teacher names, and there would be no mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.trainer.distillation.stored.form import StoredForm

_LARGEST = 65504.0


def encode(logits: npt.NDArray[np.float32], form: StoredForm) -> npt.NDArray[np.int64]:
    """Returns the words of the soft targets of an example.

    Args:
      logits: float32 `[teachers, outputs]`.
      form: how they are stored. With `dtype` float16, logits beyond 65,504 are stored as 65,504.

    Returns:
      int64 `[words]`.
    """
    values = logits.astype(np.float64)
    if form.relative:
        values = values - values.max(axis=1, keepdims=True)
    parts: list[Any] = []
    if form.top_k is not None:
        kept, values = _top(values, form.top_k)
        parts.append(_as_words(kept.astype(form.class_dtype)))
    if form.dtype == "float16":
        values = np.clip(values, -_LARGEST, _LARGEST)
    parts += [_as_words(one.astype(form.dtype)) for one in values]
    return np.concatenate(parts)


def decode(words: npt.NDArray[np.int64], form: StoredForm) -> npt.NDArray[np.float32]:
    """Returns the logits that words stand for, float32 `[teachers, outputs]`.

    The mass of classes that were not kept is spread evenly over them. So at the temperature 1, the probabilities of all
    kept classes are exact.
    """
    ids, taught = np.split(words, [form.class_words])
    rows = taught.reshape(form.teachers(len(words)), form.teacher_words)
    values = rows.view(f"<{np.dtype(form.dtype).str[1:]}")[:, : form.values].astype(np.float32)
    if form.top_k is None:
        return values
    kept = ids.view(f"<{np.dtype(form.class_dtype).str[1:]}")[: form.top_k].astype(np.int64)
    rest = values[:, form.top_k, np.newaxis] - np.float32(np.log(form.outputs - form.top_k))
    logits = np.repeat(rest, form.outputs, axis=1)
    logits[:, kept] = values[:, : form.top_k]
    return logits


def _top(logits: npt.NDArray[np.float64], count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Returns the kept classes, `[count]`, and the values of each teacher, `[teachers, count + 2]`."""
    probabilities = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).mean(axis=0)
    order = np.argsort(-probabilities, kind="stable")
    kept, others = order[:count], logits[:, order[count:]]
    rest = np.stack([np.logaddexp.reduce(others, axis=1), others.mean(axis=1)], axis=1)
    return kept, np.concatenate([logits[:, kept], rest], axis=1)


def _as_words(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Returns little-endian numbers as words, padded with zeros."""
    content = values.astype(values.dtype.newbyteorder("<")).tobytes()
    return np.frombuffer(content + bytes(-len(content) % 8), "<i8").astype(np.int64)
