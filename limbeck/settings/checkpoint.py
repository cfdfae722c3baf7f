"""Settings section `checkpoint`."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, operational


@dataclass(frozen=True, config=STRICT)
class CheckpointConfig:
    """What a training needs to go on after it died.

    Attributes:
      steps: optimizer steps between two checkpoints.
      keep: number of checkpoints that are kept; the oldest are deleted.
    """

    steps: Positive = operational(500)
    keep: Positive = operational(3)
