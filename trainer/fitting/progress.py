"""What is told of a training while it runs and when it is done: reports, checkpoints and the history are made of it."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Sequence
from typing import overload

from trainer.fitting.early_stopping import Streak
from trainer.fitting.evaluation import Evaluation


@dataclasses.dataclass(frozen=True)
class TrainingProgress:
    """Where a training stands.

    Attributes:
      step: optimizer steps done.
      steps: of all.
      loss: mean since the last report, in nats.
      learning_rate: of the last step; None where the optimizer has none.
      gradient_norm: of the last step, before clipping; None where it overflowed float16 and the step was skipped.
      validation: where it was due after this step.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float | None = None
    gradient_norm: float | None = None
    validation: Evaluation | None = None


class Curve(Sequence[TrainingProgress]):
    """Points in the order of their steps; a longer curve is made of a shorter one without a copy of its points.

    A tuple that grows by one point at each report copies all points before it, which is quadratic in the length of a
    training. Here a curve is the beginning of a list that those which grew out of it share: only the longest of them
    appends in place, so none ever changes.
    """

    def __init__(self, points: Iterable[TrainingProgress] = ()) -> None:
        """Takes the points, oldest first."""
        self._shared = list(points)
        self._length = len(self._shared)

    def plus(self, point: TrainingProgress) -> Curve:
        """Returns the curve with one more point; this one stays as it is."""
        longer = Curve()
        longer._shared = self._shared if len(self._shared) == self._length else self._shared[: self._length]
        longer._shared.append(point)
        longer._length = self._length + 1
        return longer

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> TrainingProgress: ...

    @overload
    def __getitem__(self, index: slice) -> list[TrainingProgress]: ...

    def __getitem__(self, index: int | slice) -> TrainingProgress | list[TrainingProgress]:
        chosen = range(self._length)[index]
        if isinstance(chosen, int):
            return self._shared[chosen]
        return [self._shared[number] for number in chosen]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Curve({self[:]})"


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What this process did: steps, examples that it computed gradients of, seconds, and the loss curve.

    The streak of its validations decides when it ends early. The curve is only shown.
    """

    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    curve: Curve = dataclasses.field(default_factory=Curve)
    streak: Streak = dataclasses.field(default_factory=Streak)
