"""The settings of the student that TeacherTrainer gets, so that it can try the student before it trains teachers.

A mistake in `build_student` shows when the student is trained, hours after the first teacher. The student's settings
cannot be execution properties of TeacherTrainer: another temperature would then train the teachers again. They change
no teacher, so they travel as operational settings do (`limbeck.settings.operational`).
"""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.fields import Positive, Scalar
from limbeck.settings.training import TrainingConfig


@dataclass(frozen=True, config=STRICT)
class PlannedStudent:
    """The settings of the student's training that differ from those of its teachers.

    Attributes:
      hyperparameters: values that `Task.build_student` will receive.
      distillation: of the student's loss.
      epochs: of the student's training.
    """

    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    distillation: DistillationConfig = dataclasses.field(default_factory=DistillationConfig)
    epochs: Positive = TrainingConfig().epochs

    @classmethod
    def of(cls, config: Config) -> PlannedStudent:
        """Returns what the whole tree says of the student."""
        return cls(config.student.hyperparameters, config.distillation, config.training.epochs)
