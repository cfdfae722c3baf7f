"""Settings section `labelling`."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive


@dataclass(frozen=True, config=STRICT)
class LabellingConfig:
    """How the soft targets of the training examples are stored; docs/distillation.md says what is lost.

    Attributes:
      top_k: for a label with classes: the logits of the teachers' most probable classes alone are stored, so many for
        each example, and the mass of all others together; null stores all logits.
      dtype: of the stored logits: `float32`, or `float16`, which takes half of the space.
    """

    top_k: Positive | None = None
    dtype: Literal["float32", "float16"] = "float32"
