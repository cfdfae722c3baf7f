"""Lets the variables of a model refer to other memory for a while, so that the model computes with other values.

A second model for other values would have its own layers, averages and counters, and the task's builder would be called
again. Here there is one model. While a part of a graph is built, its variables refer to other memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from limbeck.aliases import Tensor, Variable


@contextlib.contextmanager
def referring(variables: Sequence[Variable], others: Sequence[Variable]) -> Iterator[None]:
    """Returns a context in which each variable refers to the memory of another one, of the same shape and dtype.

    A gradient tape identifies a watched variable by this memory. So the gradients of a pass in this context must be
    computed in the same context.
    """
    mine = [plain(one) for one in variables]
    before = [one._handle for one in mine]
    for one, other in zip(mine, others, strict=True):
        one._handle = other._handle
    try:
        yield
    finally:
        for one, handle in zip(mine, before, strict=True):
            one._handle = handle


def plain(variable: Variable) -> Any:
    """Returns the variable itself, if Keras has wrapped it to cast its values."""
    return getattr(variable, "_variable", variable)


def value_of(variable: Variable) -> Tensor:
    """Reads a variable on its device, whatever the device of the context is."""
    import tensorflow as tf

    one = plain(variable)
    with tf.device(one.device):
        return one.read_value()
