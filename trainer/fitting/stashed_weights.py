"""`StashedWeights`: older versions of the weights of a stage, which a schedule without a flush needs.

While one batch goes backward, the next batches have already gone forward, and each must go backward through the same
weights. A second model for each version would have its own averages and its own counters of Dropout. Here there is one
model. While it computes with older weights, its variables refer to other memory of the same shape.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from limbeck.aliases import Variable
from limbeck.trainer.pipelining.variable_handles import plain, referring


@dataclasses.dataclass(frozen=True, eq=False)
class StashedWeights:
    """The versions of the weights of a stage.

    Attributes:
      variables: the variables that are trained. They have the newest version.
      older: for each older version, newest first, a variable for each of `variables`.
    """

    variables: tuple[Variable, ...]
    older: tuple[tuple[Variable, ...], ...]

    @classmethod
    def of(cls, variables: Sequence[Variable], count: int) -> StashedWeights:
        """Makes `count` older versions, on the devices of the variables. All of them equal the present weights."""
        return cls(tuple(variables), tuple(tuple(map(_copy, variables)) for _ in range(count)))

    def at(self, age: int) -> AbstractContextManager[None]:
        """Returns a context in which the variables have the values of `age` updates ago, for reading."""
        return referring(self.variables, self.older[age - 1]) if age else contextlib.nullcontext()

    def shift(self) -> list[Any]:
        """Makes each version one update older. The newest of `older` becomes the present weights. Returns operations.

        Call it in a graph, before the update.
        """
        written: list[Any] = []
        versions = [self.variables, *self.older]
        for newer, older in reversed(list(itertools.pairwise(versions))):
            for one, other in zip(newer, older, strict=True):
                written.append(other.assign(plain(one).read_value()).op)
        return written


def _copy(variable: Variable) -> Variable:
    import tensorflow as tf

    newest = plain(variable)
    with tf.device(newest.device):
        # The initial value is a function, because the variable of a sketch has no value.
        return tf.Variable(
            newest.read_value, trainable=False, name="stashed", shape=newest.shape, dtype=newest.dtype
        )
