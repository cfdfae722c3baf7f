"""Chooses among trained students by their answers on the validation split, without choosing by chance.

The student with the best measure of several is often the luckiest one: the more are tried, the better the best of them
looks (White, 2000, "A reality check for data snooping", Econometrica 68(5)). Labels alone are the safe choice, so the
burden of proof is on the others. One standard error is too weak a proof: if six other losses are tried and none is
really better, it takes one of them in two of three searches. A proof by right and wrong alone misses losses that are
really better, because two students differ on only a few of some hundred examples. The loss of the same answers tells
more, because it is a mean over all examples. It is compared after the confidence of each student is corrected
(`limbeck.trainer.search.confidence`), because a student that is only surer does not give better answers.

So a student must beat labels alone in one of two ways: its measure is better, or its measure is no worse and its loss
is lower. Better and lower mean that chance does not explain the difference: its p-value by flipped signs
(`limbeck.trainer.search.sign_flips`), times the number of comparisons, is at most 5 %. This is Bonferroni's correction
(Dunn, 1961, Journal of the American Statistical Association 56). It is valid even if the students are correlated. The
number counts every loss that was tried, with two comparisons each. Losses that were given up after a short training
count, too, because the finalists were chosen among them on the same examples. So if no loss is better than labels
alone, at most one search in twenty takes another loss.

Among the students that beat labels alone, the one with the best measure is taken. If there is none, labels alone are
taken. All differences are on the same examples, so examples that are hard for all students do not matter.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limbeck.objectives.objective import Objective
from limbeck.trainer.search import confidence, sign_flips

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

# The chance that a search takes another loss than labels alone although none is better.
LEVEL = 0.05
# The measure, and the loss.
_WAYS = 2


@dataclasses.dataclass(frozen=True)
class Judged:
    """A student, judged on labelled examples. All arrays are float64 `[examples]`, in the same order of examples.

    Attributes:
      value: the measure, higher is better; NaN if the examples do not define it.
      influence: how much each example moves the measure (`limbeck.objectives.statistic`).
      losses: hard loss of each example, with corrected confidence if outputs are logits.
      plain_loss: the mean hard loss of the outputs as they are.
    """

    value: float
    influence: Array
    losses: Array
    plain_loss: float = 0.0

    @property
    def loss(self) -> float:
        """The mean loss, with corrected confidence."""
        return float(self.losses.mean())

    @property
    def rank(self) -> tuple[float, float]:
        """A value that is higher for a better student: the measure, and for equal measures the loss."""
        return (-math.inf if math.isnan(self.value) else self.value, -self.loss)


@dataclasses.dataclass(frozen=True)
class Advantage:
    """How far one student is ahead of another, on the same examples.

    Attributes:
      measure: difference of the measures; NaN if it is not defined.
      measure_error: its standard error.
      loss: by how much the loss is lower, with the corrected confidence of both.
      chance: the smaller of two p-values: that of a better measure, and if the measure is no worse, that of a lower
        loss. It is not corrected for further comparisons.
    """

    measure: float
    measure_error: float
    loss: float
    chance: float

    def corrected(self, others: int) -> float:
        """Returns the p-value, corrected for the number of students compared with the other one; at most 1."""
        return min(1.0, _WAYS * others * self.chance)

    def convincing(self, others: int) -> bool:
        """Returns whether the student beats the other one, by the rule of this module.

        Args:
          others: how many students were tried, and could have been compared with the other one.
        """
        return self.corrected(others) <= LEVEL


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

    def losses(scale: float) -> Array:
        return np.asarray(objective.losses(scale * outputs, labels), np.float64)

    # An output that is a value, and not a logit, must not be scaled.
    scale = 1.0 if objective.activation is None else confidence.best_scale(lambda one: float(losses(one).mean()))
    return Judged(
        statistic.value(outputs, labels),
        np.asarray(statistic.influence(outputs, labels), np.float64),
        losses(scale),
        float(losses(1.0).mean()),
    )


def advantage(student: Judged, reference: Judged) -> Advantage:
    """Returns how far a student is ahead of a reference on the same examples."""
    measure, influence = student.value - reference.value, student.influence - reference.influence
    chance = 1.0
    # Nothing speaks for a student with a worse measure.
    if not measure < 0:
        chance = sign_flips.p_value(reference.losses - student.losses)
    if measure >= 0:
        # Influences have the mean 0. With the difference of the measures added, they tell how much each example speaks
        # for the student.
        chance = min(chance, sign_flips.p_value(measure + influence))
    return Advantage(measure, standard_error(influence), reference.loss - student.loss, chance)


def choose(students: Sequence[Judged | None], reference: int | None, others: int) -> int | None:
    """Returns the number of the student to take, from 0; None if there is none to take.

    Args:
      students: judged on the same examples; None for one that broke down.
      reference: number of the student that the others must beat; None if any may be taken.
      others: how many losses besides the reference were tried, including those without an entry in `students`.
    """
    base = None if reference is None else students[reference]
    taken = [
        (number, student)
        for number, student in enumerate(students)
        if student is not None and (base is None or student is base or advantage(student, base).convincing(others))
    ]
    # The reference is left out, because its measure may equal the measure of a student that beats it by the loss.
    better = [one for one in taken if one[1] is not base] or taken
    # Among equal ones, `max` takes the first.
    return max(better, key=lambda one: one[1].rank)[0] if better else None


def best(students: Sequence[Judged | None], count: int) -> list[int]:
    """Returns the numbers of the best students that did not break down, at most `count`, best first."""
    whole = [(number, one) for number, one in enumerate(students) if one is not None]
    return [number for number, _ in sorted(whole, key=lambda pair: pair[1].rank, reverse=True)[:count]]


def standard_error(differences: Array) -> float:
    """Returns the standard error of the mean of differences; infinite for a single difference."""
    return float(differences.std(ddof=1)) / math.sqrt(len(differences)) if len(differences) > 1 else math.inf
