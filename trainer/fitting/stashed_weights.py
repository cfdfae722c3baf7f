"""`StashedWeights`: older versions of the weights of a stage, which a schedule without a flush computes with.

While one batch goes backward, the next are on their way, and must go backward through the weights that they came
through. A second model for each version would have averages of its own, and its own counters of Dropout. Here there is
one model. While it computes with older weights, its variables refer to other memory, of the same shape.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from limbeck.aliases import Variable


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

    @contextlib.contextmanager
    def at(self, age: int) -> Iterator[None]:
        """Returns a context in which the variables have the values of so many updates ago, for reading."""
        if age == 0:
            yield
            return
        mine = [_plain(one) for one in self.variables]
        newest = [one._handle for one in mine]
        for one, older in zip(mine, self.older[age - 1], strict=True):
            one._handle = older._handle
        try:
            yield
        finally:
            for one, handle in zip(mine, newest, strict=True):
                one._handle = handle

    def shift(self) -> list[Any]:
        """Makes each version one update older. The newest of `older` becomes that of the variables. Returns operations.

        Call it in a graph, before the update.
        """
        written: list[Any] = []
        versions = [self.variables, *self.older]
        for newer, older in reversed(list(itertools.pairwise(versions))):
            for one, other in zip(newer, older, strict=True):
                written.append(other.assign(_plain(one).read_value()).op)
        return written


def _copy(variable: Variable) -> Variable:
    import tensorflow as tf

    plain = _plain(variable)
    with tf.device(plain.device):
        return tf.Variable(plain.read_value(), trainable=False, name="stashed")


def _plain(variable: Variable) -> Any:
    """Returns the variable itself, if Keras has wrapped it to cast its values."""
    return getattr(variable, "_variable", variable)
