"""Settings section `distillation`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import PositiveFloat, runtime


@dataclass(frozen=True, config=STRICT)
class DistillationConfig:
    """The loss (1 - alpha) * hard + alpha * temperature^2 * soft (Hinton et al., 2015, arXiv:1503.02531).

    Attributes:
      temperature: divides the logits of teachers and student before the softmax or sigmoid of the soft term. It is
        refused if the label is a number.
      alpha: share of the soft term; 0 trains on labels alone, 1 on soft targets alone.
    """

    temperature: PositiveFloat = runtime(2.0)
    alpha: Annotated[float, Field(ge=0, le=1)] = runtime(0.9)
