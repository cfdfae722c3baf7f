"""`CallGraph`: the graph of a model's layers as data, and the places where the model can be cut.

A model is seldom a chain. A residual connection bypasses layers, and a much later layer may use a mask or an input
again. All tensors that are computed before a cut and needed after it must be passed on. If only one tensor crosses (an
articulation point of the graph), a cut is cheap. The parts between two such points are the blocks of the model. If
several tensors cross, the model can be cut, too: then all of them are passed on.

Two calls that share a variable stay together, because a variable lives on one device, and its penalty counts once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple


class Call(NamedTuple):
    """One call of a layer. Values and variables are numbers that stand for them.

    Attributes:
      takes: the values that it reads.
      gives: the values that it makes.
      variables: the variables of its layer.
    """

    takes: frozenset[int]
    gives: frozenset[int]
    variables: frozenset[int] = frozenset()


@dataclasses.dataclass(frozen=True)
class CallGraph:
    """The calls of a model, in a possible order of execution.

    A position p is the point before call p: 0 is before the first call, and `len(calls)` after the last one.

    Attributes:
      given: the values that the model takes. They are available everywhere, so passing them on costs nothing.
      calls: its calls.
      wanted: the values that the model returns.

    Raises:
      ValueError: if a call takes a value that is not computed yet, or the model returns a value that no call computes.
    """

    given: frozenset[int]
    calls: tuple[Call, ...]
    wanted: frozenset[int]

    def __post_init__(self) -> None:
        there = set(self.given)
        for place, call in enumerate(self.calls):
            if not call.takes <= there:
                raise ValueError(f"call {place} takes values that are not there yet: {call.takes - there}")
            there |= call.gives
        if not self.wanted <= there:
            raise ValueError(f"no call makes the values {self.wanted - there}")

    def made(self, begin: int, end: int) -> frozenset[int]:
        """Returns the values that the calls from position `begin` to `end` compute."""
        return _union(call.gives for call in self.calls[begin:end])

    def taken(self, begin: int, end: int) -> frozenset[int]:
        """Returns the values that these calls take and do not compute."""
        return _union(call.takes for call in self.calls[begin:end]) - self.made(begin, end)

    def crossing(self, position: int) -> frozenset[int]:
        """Returns the values that are computed before a position and needed after it, without the model's inputs."""
        return self.made(0, position) & (self.taken(position, len(self.calls)) | self.wanted)

    def cuts(self) -> tuple[int, ...]:
        """Returns the positions at which the model can be cut: no variable is used on both sides."""
        found, before = [], frozenset[int]()
        for position in range(1, len(self.calls)):
            before |= self.calls[position - 1].variables
            if not before & _union(call.variables for call in self.calls[position:]):
                found.append(position)
        return tuple(found)

    def joints(self) -> tuple[int, ...]:
        """Returns the cuts that at most one value crosses, apart from values that the model returns."""
        return tuple(position for position in self.cuts() if len(self.crossing(position) - self.wanted) <= 1)


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*sets)
