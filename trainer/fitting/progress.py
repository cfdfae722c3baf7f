"""The progress of a training. Reports, checkpoints and the history consist of these records.

A history in a dictionary of lists, as Keras keeps it, is read by names that no tool checks. Here each point is a frozen
record, and reports, checkpoints and the exported history share it.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Sequence
from typing import overload

from limbeck.rank_record import DeviceSeconds
from limbeck.trainer.fitting.early_stopping import Streak
from limbeck.trainer.fitting.evaluation import Evaluation


@dataclasses.dataclass(frozen=True)
class TrainingProgress:
    """The state of a training after some step.

    Attributes:
      step: number of optimizer steps done.
      steps: number of all optimizer steps.
      loss: mean loss since the last report, in nats.
      learning_rate: learning rate of the last step; None if the optimizer has none.
      gradient_norm: gradient norm of the last step, before clipping; None if it overflowed float16 and the step was
        skipped.
      validation: result of the validation after this step; None if none was due.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float | None = None
    gradient_norm: float | None = None
    validation: Evaluation | None = None


class Curve(Sequence[TrainingProgress]):
    """The points of a training in the order of their steps. It never changes.

    A tuple that grows by one point at each report copies all earlier points. That is quadratic in the length of a
    training. Here a curve is the first part of a list, which it shares with the longer curves that were made from it.
    Only the longest of them appends to the list.
    """

    def __init__(self, points: Iterable[TrainingProgress] = ()) -> None:
        """Takes the points, oldest first."""
        self._shared = list(points)
        self._length = len(self._shared)

    def plus(self, point: TrainingProgress) -> Curve:
        """Returns a curve with one more point. This curve stays as it is."""
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
    """What this process did in a training.

    Attributes:
      steps: number of optimizer steps.
      examples: number of examples whose gradients it computed.
      seconds: duration of the training, over all attempts.
      curve: the progress at each report. It is only displayed.
      streak: streak of the validations. It decides whether the training ends early.
      device: what the devices did during the training, over all attempts.
    """

    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    curve: Curve = dataclasses.field(default_factory=Curve)
    streak: Streak = dataclasses.field(default_factory=Streak)
    device: DeviceSeconds = dataclasses.field(default_factory=DeviceSeconds)
