"""Chooses among trained students by their answers on the validation split, without choosing by chance.

The student with the best measure of several is often the luckiest one: the more are tried, the better the best of them
looks (White, 2000, "A reality check for data snooping", Econometrica 68(5)). Labels alone are the safe choice, so the
burden of proof is on the others. A guard of one standard error is too weak a proof: if six other losses are tried and
none is really better, it takes one of them in two of three searches. A guard by right and wrong alone throws away what
is really better, because some hundred examples tell little by the few on which two students differ. The loss of the
same answers tells more: it is a mean over all examples. It is compared once the confidence of each student is put
right (`limbeck.trainer.search.confidence`), because a student that is only surer gives no better answers.

So a student must beat labels alone in one of two ways: its measure is better, or its measure is no worse and its loss
is lower. Better and lower mean that chance does not explain the difference: its p-value by flipped signs
(`limbeck.trainer.search.sign_flips`), times the number of comparisons, is at most 5 %. This is Bonferroni's correction
(Dunn, 1961, Journal of the American Statistical Association 56). It holds however much the students have in common. The
number counts every loss that was tried, with two comparisons each. Losses that were given up after a short training
count too, because those that were trained to the end were chosen among them on the same examples. So if no loss is
better than labels alone, at most one search in twenty takes another.

The best measure among those that beat labels alone is taken; if none does, labels alone are. All differences are those
on the same examples, so what is hard for all students does not count.
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
      losses: hard loss of each example, with the confidence put right if outputs are logits.
      plain_loss: the mean hard loss of the outputs as they are.
    """

    value: float
    influence: Array
    losses: Array
    plain_loss: float = 0.0

    @property
    def loss(self) -> float:
        """The mean loss, with the confidence put right."""
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
      loss: by how much the loss is lower, with the confidence of both put right.
      chance: the p-value of what speaks for the student: that its measure is better, or, if its measure is no worse,
        that its loss is lower; the smaller of the two. It is of these two comparisons only.
    """

    measure: float
    measure_error: float
    loss: float
    chance: float

    def corrected(self, others: int) -> float:
        """Returns the p-value if so many students were compared with the other one, at most 1."""
        return min(1.0, _WAYS * others * self.chance)

    def convincing(self, others: int) -> bool:
        """Returns whether the student beats the other one, by the rule of this module.

        Args:
          others: how many students were tried that could have been compared with the other one.
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

    # A number that is an answer, and no logit, must not be scaled.
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
    # Of a student with a worse measure, nothing speaks.
    if not measure < 0:
        chance = sign_flips.p_value(reference.losses - student.losses)
    if measure >= 0:
        # An influence has mean 0. With the difference of the measures, it is how much each example speaks for it.
        chance = min(chance, sign_flips.p_value(measure + influence))
    return Advantage(measure, standard_error(influence), reference.loss - student.loss, chance)


def choose(students: Sequence[Judged | None], reference: int | None, others: int) -> int | None:
    """Returns the number of the student to take, from 0; None if there is none to take.

    Args:
      students: judged on the same examples; None for one that broke down.
      reference: number of the student that the others must beat; None if any may be taken.
      others: how many losses beside the reference were tried, those of students that are not in `students` included.
    """
    base = None if reference is None else students[reference]
    taken = [
        (number, student)
        for number, student in enumerate(students)
        if student is not None and (base is None or student is base or advantage(student, base).convincing(others))
    ]
    # The reference is not better than those that beat it by their loss, and its measure may equal theirs.
    better = [one for one in taken if one[1] is not base] or taken
    # Of equal ones, `max` takes the first.
    return max(better, key=lambda one: one[1].rank)[0] if better else None


def best(students: Sequence[Judged | None], count: int) -> list[int]:
    """Returns the numbers of the best students that did not break down, at most `count`, best first."""
    whole = [(number, one) for number, one in enumerate(students) if one is not None]
    return [number for number, _ in sorted(whole, key=lambda pair: pair[1].rank, reverse=True)[:count]]


def standard_error(differences: Array) -> float:
    """Returns the standard error of the mean of differences; infinite for a single one, which says nothing."""
    return float(differences.std(ddof=1)) / math.sqrt(len(differences)) if len(differences) > 1 else math.inf
