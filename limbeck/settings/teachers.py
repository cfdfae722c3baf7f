"""Settings section `teachers`."""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, Scalar, runtime


@dataclass(frozen=True, config=STRICT)
class TeachersConfig:
    """The ensemble: `count` teachers that differ in their seed; `hyperparameters` go to `Task.build_teacher`.

    Attributes:
      epochs: passes over the training split for each teacher; null takes `training.epochs`.
    """

    count: Positive = runtime(1)
    epochs: Positive | None = None
    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)
