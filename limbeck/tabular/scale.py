"""The scale of what a model answers."""

from __future__ import annotations

import dataclasses
import math

from limbeck.errors import TaskError


@dataclasses.dataclass(frozen=True)
class Scale:
    """Turns the output of a network, which begins near 0 with a spread of about 1, into an answer.

    Attributes:
      mean: what is added.
      deviation: what the output is multiplied by, above 0.
    """

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and 0 < self.deviation < math.inf):
            raise TaskError(f"a Scale needs a finite mean and a deviation above 0, received {self}")


# The answers of all kinds of labels but numbers.
LOGITS = Scale(0.0, 1.0)
