"""Float64 NumPy references of transfer objectives, written from the papers, and numbers to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Array = npt.NDArray[np.float64]
BATCH, TEACHERS, CLASSES = 11, 3, 5
TEMPERATURES = (0.5, 1.0, 4.0, 100.0)


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def sigmoid(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logits)))


def divergence(p: Array, q: Array) -> Array:
    """Kullback-Leibler over the last axis."""
    return np.asarray((p * np.log(p / q)).sum(axis=-1))


def drawn(*shape: int, seed: int = 0) -> Array:
    """Random logits, rounded to float32, so that the reference and the code get the same numbers."""
    return (2 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32).astype(np.float64)


STUDENT = drawn(BATCH, CLASSES, seed=1)
TAUGHT = drawn(BATCH, TEACHERS, CLASSES, seed=2)


def assert_equal(loss: Callable[..., Any], reference: Callable[..., Array], *given: Array) -> None:
    """Compares values and gradients with those of the reference, and with a gradient by central differences.

    Args:
      loss: of the product. It takes float32 tensors, and returns float32 `[batch]`. Its first argument is the student.
      reference: the same in float64.
      *given: what both are given.
    """
    tensors = [tf.constant(one, tf.float32) for one in given]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        losses = loss(*tensors)
        total = tf.reduce_sum(losses)
    assert losses.dtype == tf.float32
    expected = reference(*given)
    assert losses.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(losses, expected, rtol=2e-5, atol=2e-6 * scale)
    found, *others = tape.gradient(total, tensors)
    slopes = differences(lambda student: float(reference(student, *given[1:]).sum()), given[0])
    np.testing.assert_allclose(found, slopes, rtol=1e-3, atol=1e-5 * max(1.0, float(np.abs(slopes).max())))
    assert others == [None] * len(others), "teachers are constants"


def differences(function: Callable[[Array], float], at: Array, step: float = 1e-5) -> Array:
    """The gradient by central differences."""
    slopes = np.empty_like(at)
    for place in np.ndindex(at.shape):
        moved = [at.copy(), at.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        slopes[place] = (function(moved[0]) - function(moved[1])) / (2 * step)
    return slopes
