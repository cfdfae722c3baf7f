"""Settings section `distillation`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Fraction, runtime

Temperature = Annotated[float, Field(gt=0, le=100)]
# What is used if neither the user nor a search has said anything else.
_TEMPERATURE, _ALPHA = 2.0, 0.9


@dataclass(frozen=True, config=STRICT)
class DistillationConfig:
    """The loss (1 - alpha) * hard + alpha * temperature^2 * soft (Hinton et al., 2015, arXiv:1503.02531).

    Attributes:
      temperature: divides the logits of teachers and student before the softmax or sigmoid of the soft term; at most
        100. It is refused if the label is a number. null has the search choose it; without a search it is 2.
      alpha: share of the soft term; 0 trains on labels alone, 1 on soft targets alone. null has the search choose it;
        without a search it is 0.9.
      search: temperature and alpha that are null are chosen on the validation split (section `search`). A value that is
        set is never changed. There is no search without a validation split with labels.
    """

    temperature: Temperature | None = runtime(None)
    alpha: Fraction | None = runtime(None)
    # Neither target of the compiler accepts a boolean runtime parameter.
    search: bool = True

    @property
    def used_temperature(self) -> float:
        """The temperature of the loss."""
        return _TEMPERATURE if self.temperature is None else self.temperature

    @property
    def used_alpha(self) -> float:
        """The share of the soft term in the loss."""
        return _ALPHA if self.alpha is None else self.alpha
