"""`CallGraph`: the graph of a model's layers as data, and the places where the model can be cut.

A model is seldom a chain. A residual connection bypasses layers, and a mask or an input may be used again by a much
later layer. All tensors that are made before a cut and needed after it must be passed on. If only one tensor crosses
(an articulation point of the graph), a cut is cheap. The parts between two such points are the blocks of the model. The
model can also be cut where several tensors cross: then all of them are passed on.

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
    """The calls of a model, in an order in which they can be done.

    A position p stands for the place before call p: 0 is before the first call, and `len(calls)` behind the last.

    Attributes:
      given: the values that the model takes. Carrying them costs nothing: they are there anyway.
      calls: its calls.
      wanted: the values that the model returns.

    Raises:
      ValueError: if a call takes a value that is not there yet, or the model returns a value that no call makes.
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
        """Returns the values that the calls from position `begin` to `end` make."""
        return _union(call.gives for call in self.calls[begin:end])

    def taken(self, begin: int, end: int) -> frozenset[int]:
        """Returns the values that these calls take and do not make."""
        return _union(call.takes for call in self.calls[begin:end]) - self.made(begin, end)

    def crossing(self, position: int) -> frozenset[int]:
        """Returns the values that are made before a position and needed behind it. The model's inputs do not count."""
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
        """Returns the cuts that one value crosses, or none, apart from values that the model returns."""
        return tuple(position for position in self.cuts() if len(self.crossing(position) - self.wanted) <= 1)


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*sets)
