"""Chooses among trained students by their answers on the validation split, without choosing by chance.

The student with the best measure of several is often the luckiest one: the more are tried, the better the best of them
looks. The usual guard, to take labels alone unless another is better beyond one standard error, throws away what is
really better, because a validation split of some hundred examples tells little by right and wrong alone. The loss of
the same answers tells more: it is a mean over all examples, and not over the few on which two students differ.

So a student must beat labels alone in one of two ways: its measure is better by more than one standard error, or its
measure is no worse and its loss is lower by more than one standard error. The best measure among those that beat labels
alone is taken; if none does, labels alone are. Standard errors are those of differences on the same examples, so what
is hard for all students does not count.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limbeck.objectives.objective import Objective

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Judged:
    """A student, judged on labelled examples. All arrays are float64 `[examples]`, in the same order of examples.

    Attributes:
      value: the measure, higher is better; NaN if the examples do not define it.
      influence: how much each example moves the measure (`limbeck.objectives.statistic`).
      losses: hard loss of each example.
    """

    value: float
    influence: Array
    losses: Array

    @property
    def loss(self) -> float:
        """The mean loss."""
        return float(self.losses.mean())

    @property
    def rank(self) -> tuple[float, float]:
        """Is higher for a better student: the measure, and among equal ones the loss."""
        return (-math.inf if math.isnan(self.value) else self.value, -self.loss)


@dataclasses.dataclass(frozen=True)
class Advantage:
    """How far one student is ahead of another, on the same examples.

    Attributes:
      measure: difference of the measures; NaN if it is not defined.
      measure_error: its standard error.
      loss: by how much the loss is lower.
      loss_error: its standard error.
    """

    measure: float
    measure_error: float
    loss: float
    loss_error: float

    @property
    def convincing(self) -> bool:
        """Whether the student beats the other one, by the rule of this module."""
        lower = self.loss > self.loss_error
        if math.isnan(self.measure):
            return lower
        return self.measure > self.measure_error or (self.measure >= 0 and lower)


def judge(objective: Objective, outputs: Any, labels: Any) -> Judged | None:
    """Judges a student. Returns None if an output is not finite.

    Args:
      objective: gives the measure and the loss.
      outputs: outputs of the student, `[examples, outputs]`, any float dtype.
      labels: `[examples, *label_shape]`, all labelled and declared; at least one.
    """
    import numpy as np

    outputs = np.asarray(outputs, np.float64)
    if not np.isfinite(outputs).all():
        return None
    statistic = objective.statistic
    return Judged(
        statistic.value(outputs, labels),
        np.asarray(statistic.influence(outputs, labels), np.float64),
        np.asarray(objective.losses(outputs, labels), np.float64),
    )


def advantage(student: Judged, reference: Judged) -> Advantage:
    """Returns how far a student is ahead of a reference on the same examples."""
    return Advantage(
        student.value - reference.value,
        _standard_error(student.influence - reference.influence),
        reference.loss - student.loss,
        _standard_error(reference.losses - student.losses),
    )


def choose(students: Sequence[Judged | None], reference: int | None) -> int | None:
    """Returns the number of the student to take, from 0; None if there is none to take.

    Args:
      students: judged on the same examples; None for one that broke down.
      reference: number of the student that the others must beat; None if any may be taken.
    """
    base = None if reference is None else students[reference]
    taken = [
        (number, student)
        for number, student in enumerate(students)
        if student is not None and (base is None or student is base or advantage(student, base).convincing)
    ]
    # The reference is not better than those that beat it by their loss, and its measure may equal theirs.
    better = [one for one in taken if one[1] is not base] or taken
    # Of equal ones, `max` takes the first.
    return max(better, key=lambda one: one[1].rank)[0] if better else None


def best(students: Sequence[Judged | None], count: int) -> list[int]:
    """Returns the numbers of the best students that did not break down, at most `count`, best first."""
    whole = [(number, one) for number, one in enumerate(students) if one is not None]
    return [number for number, _ in sorted(whole, key=lambda pair: pair[1].rank, reverse=True)[:count]]


def _standard_error(differences: Array) -> float:
    """Returns the standard error of the mean of differences; infinite for a single one, which says nothing."""
    return float(differences.std(ddof=1)) / math.sqrt(len(differences)) if len(differences) > 1 else math.inf
