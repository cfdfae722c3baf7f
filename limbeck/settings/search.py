"""Settings section `search`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.distillation import Temperature
from limbeck.settings.fields import DISTINCT, Fraction, runtime


@dataclass(frozen=True, config=STRICT)
class SearchConfig:
    """How the student's loss is chosen on the validation split, if `distillation.search` is on.

    Attributes:
      budget: the most optimizer steps of all trials together, as a multiple of the steps of the student; at least 2,
        one training on labels alone and one on soft targets. The trial that is chosen is the student, and is not
        trained again.
      temperatures: values that are tried if `distillation.temperature` is null.
      alphas: values that are tried if `distillation.alpha` is null, the most promising first. 0, labels alone, is
        always tried.
    """

    budget: Annotated[float, Field(ge=2)] = runtime(5.0)
    temperatures: Annotated[tuple[Temperature, ...], Field(min_length=1), DISTINCT] = (1.0, 2.0, 4.0)
    alphas: Annotated[tuple[Fraction, ...], Field(min_length=1), DISTINCT] = (0.9, 0.5)
