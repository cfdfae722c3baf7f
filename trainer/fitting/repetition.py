"""Repeats a function in a graph.

A loop of Python over `tf.range` needs autograph, which rewrites the loop and every function that it calls. That takes
half a second in each training process. And an exception then names a generated file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limbeck.aliases import Tensor


def repeated(
    times: Tensor | int, change: Callable[..., tuple[Any, ...]], state: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Returns `change(*change(*… state))`. It is called within a tf.function.

    Args:
      times: number of repetitions, int32 scalar.
      change: takes the parts of a state, and returns the parts of the next state, with equal structures, dtypes and
        shapes.
      state: the initial state: structures of tensors.
    """
    import tensorflow as tf

    def body(done: Tensor, *now: Any) -> tuple[Any, ...]:
        return (done + 1, *change(*now))

    return tuple(tf.while_loop(lambda done, *_: done < times, body, (tf.constant(0), *state))[1:])
