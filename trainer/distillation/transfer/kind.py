"""`Transfer`: one transfer objective, and what it is given.

Objectives need different things: some the temperature, one the labels. If each had a signature of its own, whoever adds
them up would know them all. So each gets the same record, and takes what it needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from limbeck.objectives.objective import Objective


@dataclasses.dataclass(frozen=True)
class Compared:
    """What student and teachers say of the examples of a replica.

    Attributes:
      outputs: outputs of the student, `[batch, outputs]`, any float dtype.
      teacher_outputs: outputs of each teacher, `[batch, members, outputs]`.
      labels: `[batch, *label_shape]`; None if labels are not to be read.
      temperature: above 0; a float, or a float32 scalar.
      beta: `distillation.decoupled_beta`.
      objective: the objective of the label.
    """

    outputs: Any
    teacher_outputs: Any
    labels: Any
    temperature: Any
    beta: float
    objective: Objective


@dataclasses.dataclass(frozen=True)
class Transfer:
    """One transfer objective.

    Attributes:
      words: what it compares, in words for a message.
      by_activation: the loss for objectives with this activation: float32 `[batch]`, at least 0 up to rounding. No
        gradient flows to the teachers. A missing activation means that the objective makes no sense there.
    """

    words: str
    by_activation: Mapping[str | None, Callable[[Compared], Any]]
