"""Settings section `student`."""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, Scalar


@dataclass(frozen=True, config=STRICT)
class StudentConfig:
    """The student.

    Attributes:
      hyperparameters: values that `Task.build_student` receives.
      seeds: how often the student and each of its controls are trained, with the seeds `training.seed`,
        `training.seed + 1` and so on. The first is judged and served; the others show how much depends on the seed.
    """

    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    seeds: Positive = 1
