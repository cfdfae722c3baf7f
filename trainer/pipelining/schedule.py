"""`Schedule`: what each stage of a pipelined model does, and in which order, as data.

A pipelined training is easy to get nearly right. If it is written as loops around devices, its mistakes show late: a
deadlock as a hang, a stage that keeps every activation as a full memory, and a gradient at other weights than those of
the forward pass as a model that learns badly. As data, a schedule can be checked before anything runs, drawn as text,
and timed by simulation. The engine executes it without knowing which schedule it is.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["forward", "backward", "update"]


class Action(NamedTuple):
    """One thing that a stage does.

    Attributes:
      kind: `forward` and `backward` compute one micro-batch. `update` changes the weights of the stage.
      number: number of the micro-batch, or of the update. Both count from 0.
      version: version of the weights that are read: the number of updates of the stage that led to them. A micro-batch
        goes backward through the version that it went forward through. For an update: the version before it.
    """

    kind: Kind
    number: int
    version: int

    def __str__(self) -> str:
        return f"{self.kind[0].upper()}{self.number}"


def forward(micro_batch: int, version: int = 0) -> Action:
    """Returns the forward pass of a micro-batch."""
    return Action("forward", micro_batch, version)


def backward(micro_batch: int, version: int = 0) -> Action:
    """Returns the backward pass of a micro-batch."""
    return Action("backward", micro_batch, version)


def update(number: int) -> Action:
    """Returns the update with this number, which reads the weights that the update before it wrote."""
    return Action("update", number, number)


class Placed(NamedTuple):
    """An action and the stage that does it. Stages count from 0, where the input enters."""

    stage: int
    action: Action


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The actions of every stage, in the order in which the stage does them.

    Raises:
      ValueError: if a micro-batch does not go forward and then backward through every stage once, a stage reads weights
        that it has not written, a micro-batch goes backward through other weights than forward, or stages wait for each
        other for ever.
    """

    stages: tuple[tuple[Action, ...], ...]

    def __post_init__(self) -> None:
        wanted = {action.number for action in self._of("forward", 0)}
        for stage, actions in enumerate(self.stages):
            if any(count > 1 for count in Counter((kind, number) for kind, number, _ in actions).values()):
                raise ValueError(f"a stage does an action once, but stage {stage} does one of {actions} twice")
            if (
                not wanted
                == {a.number for a in self._of("forward", stage)}
                == {a.number for a in self._of("backward", stage)}
            ):
                raise ValueError(f"every stage computes every micro-batch, but stage {stage} has {actions}")
            _assert_versions(stage, actions)
        list(self.merged())

    def _of(self, kind: Kind, stage: int) -> list[Action]:
        return [action for action in self.stages[stage] if action.kind == kind]

    @property
    def micro_batches(self) -> int:
        """How many micro-batches go through the pipeline."""
        return len(self._of("forward", 0))

    def merged(self) -> Iterator[Placed]:
        """Yields all actions in an order in which a single worker could do them.

        Each action comes after the previous action of its stage, and after the action of another stage whose result it
        needs: the output of the stage before it, or the gradient of the stage after it.

        Raises:
          ValueError: if there is no such order: the stages would wait for each other for ever.
        """
        positions = [0] * len(self.stages)
        done: set[tuple[int, Kind, int]] = set()
        while any(position < len(self.stages[stage]) for stage, position in enumerate(positions)):
            ready = [
                stage
                for stage, position in enumerate(positions)
                if position < len(self.stages[stage])
                and self.needed(Placed(stage, self.stages[stage][position])) <= done
            ]
            if not ready:
                waiting = [str(a[p]) for a, p in zip(self.stages, positions, strict=True) if p < len(a)]
                raise ValueError(f"the stages wait for each other for ever, at {waiting}")
            for stage in ready:
                action = self.stages[stage][positions[stage]]
                positions[stage] += 1
                done.add((stage, action.kind, action.number))
                yield Placed(stage, action)

    def needed(self, placed: Placed) -> frozenset[tuple[int, Kind, int]]:
        """Returns stage, kind and number of the action of another stage whose result an action takes, if any.

        The backward pass of the last stage needs only its own forward pass.
        """
        stage, (kind, number, _) = placed
        if kind == "forward" and stage > 0:
            return frozenset({(stage - 1, kind, number)})
        if kind == "backward":
            last = stage == len(self.stages) - 1
            return frozenset({(stage, "forward", number) if last else (stage + 1, kind, number)})
        return frozenset()

    def alive(self, stage: int) -> int:
        """Returns for how many micro-batches at most a stage holds activations, between forward and backward pass."""
        changes = {"forward": 1, "backward": -1, "update": 0}
        held = most = 0
        for action in self.stages[stage]:
            held += changes[action.kind]
            most = max(most, held)
        return most

    def versions(self, stage: int) -> int:
        """Returns how many versions of its weights a stage holds at most.

        It holds the newest version, and each older one from the first forward pass through it to the last backward
        pass.
        """
        last_read: dict[int, int] = defaultdict(int)
        for position, action in enumerate(self.stages[stage]):
            last_read[action.version] = position
        newest, most = 0, 1
        for position, action in enumerate(self.stages[stage]):
            newest += action.kind == "update"
            kept = {version for version, last in last_read.items() if version < newest and last > position}
            most = max(most, len(kept) + 1)
        return most


def _assert_versions(stage: int, actions: tuple[Action, ...]) -> None:
    newest = 0
    read: dict[int, int] = {}
    for action in actions:
        if action.version > newest or (action.kind == "update" and action.version != newest):
            raise ValueError(f"stage {stage} reads weights that it has not written, at {action} of {actions}")
        if action.kind == "update":
            newest += 1
        elif action.kind == "forward":
            read[action.number] = action.version
        elif read.get(action.number) != action.version:
            raise ValueError(
                f"a micro-batch goes back through the weights that it came through, but {action} of stage {stage} "
                f"reads version {action.version}, and its forward pass {read.get(action.number)}"
            )
