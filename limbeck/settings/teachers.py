"""Settings section `teachers`."""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, Scalar, runtime


@dataclass(frozen=True, config=STRICT)
class TeachersConfig:
    """The ensemble of teachers.

    Attributes:
      count: number of teachers. They differ in their seed: `training.seed`, `training.seed + 1` and so on.
      epochs: passes over the training split for each teacher; null takes `training.epochs`.
      hyperparameters: values that `Task.build_teacher` receives.
    """

    count: Positive = runtime(1)
    epochs: Positive | None = None
    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)
