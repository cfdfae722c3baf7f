"""`StashedWeights`: older versions of the weights of a stage, which a schedule without a flush computes with.

While one batch goes backward, the next are on their way, and must go backward through the weights that they came
through. A second model for each version would have averages of its own, and its own counters of Dropout. Here there is
one model. While it computes with older weights, its variables refer to other memory, of the same shape.
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
      older: for each older version, beginning with the newest of them, a variable for each of `variables`.
    """

    variables: tuple[Variable, ...]
    older: tuple[tuple[Variable, ...], ...]

    @classmethod
    def of(cls, variables: Sequence[Variable], count: int) -> StashedWeights:
        """Makes `count` older versions. All of them are the weights of now, on the devices of the variables."""
        return cls(tuple(variables), tuple(tuple(map(_copy, variables)) for _ in range(count)))

    def at(self, age: int) -> AbstractContextManager[None]:
        """Returns a context in which the variables have the values of so many updates ago, for reading."""
        return referring(self.variables, self.older[age - 1]) if age else contextlib.nullcontext()

    def shift(self) -> list[Any]:
        """Makes each version one update older. The newest of `older` becomes that of the variables. Returns operations.

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
        # As a function: a sketch has no values.
        return tf.Variable(
            newest.read_value, trainable=False, name="stashed", shape=newest.shape, dtype=newest.dtype
        )
