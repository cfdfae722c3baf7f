"""Cuts the batch of a replica into micro-batches, one after the other in time.

The activations of a whole batch may not fit the memory of a device. The gradient of a sum over examples is the sum of
the gradients over parts of them, so the parts can be computed one by one. A batch need not divide evenly: here the
sizes differ by one at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from limbeck.aliases import Features, Gradient, Tensor


def cut(batch: tuple[Features, Features], count: int, part: int) -> tuple[Features, Features]:
    """Returns one of the micro-batches into which a batch is cut, in order.

    Args:
      batch: inputs and targets by name. Each is dense, sparse or ragged, `[batch, ...]`.
      count: how many micro-batches there are.
      part: which one, from 0. If the batch has fewer examples than `count`, some are empty.
    """
    import tensorflow as tf

    _, targets = batch
    examples = tf.shape(next(iter(targets.values())), tf.int64)[0]
    begin, end = bounds(examples, count, part)
    inputs, wanted = ({name: rows(values, begin, end) for name, values in one.items()} for one in batch)
    return inputs, wanted


def bounds(examples: Tensor, count: int, part: int) -> tuple[Tensor, Tensor]:
    """Returns where a part of a batch begins and ends: rows, as the type of `examples`. Args are those of `cut`."""
    return examples * part // count, examples * (part + 1) // count


def rows(values: Tensor, begin: Tensor, end: Tensor) -> Tensor:
    """Returns the rows from `begin` to `end`, int64 scalars, of a dense, sparse or ragged tensor `[batch, ...]`."""
    import tensorflow as tf

    if not isinstance(values, tf.SparseTensor):
        return values[begin:end]
    first = tf.concat([[begin], tf.zeros([values.shape.rank - 1], tf.int64)], axis=0)
    return tf.sparse.slice(values, first, tf.concat([[end - begin], values.dense_shape[1:]], axis=0))


def added(parts: int, compute: Callable[[int], Sequence[Gradient]]) -> list[Gradient]:
    """Computes gradients part by part, and adds them up.

    A part begins only after the sum of the parts before it is computed. Otherwise TensorFlow would compute all parts at
    the same time, and hold the activations of all of them.

    Args:
      parts: number of parts.
      compute: returns the gradients of a part, dense or in slices, of the same variables for each part.
    """
    import tensorflow as tf

    total: list[Gradient] = []
    for part in range(parts):
        with tf.control_dependencies(total):
            found = compute(part)
        total = [sum_of(one, other) for one, other in zip(total, found, strict=True)] if total else list(found)
    return total


def sum_of(one: Gradient, other: Gradient) -> Gradient:
    """Returns the sum of two gradients of a variable, dense or in slices."""
    import tensorflow as tf

    if not isinstance(one, tf.IndexedSlices):
        return one + other
    values: Any = tf.concat([one.values, other.values], axis=0)
    return tf.IndexedSlices(values, tf.concat([one.indices, other.indices], axis=0), one.dense_shape)
