"""The settings of the teachers that the control on hard labels gets, so that it can try a teacher before it trains.

That control depends on no teacher, so it may be the first model that a run trains. A mistake in `build_teacher` would
then show after its training. As with the planned student, these settings are in no cache key: they change no control.
"""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.config import Config
from limbeck.settings.fields import Positive, Scalar
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.training import TrainingConfig


@dataclass(frozen=True, config=STRICT)
class PlannedTeacher:
    """The settings of the teachers' training that differ from those of the control.

    Attributes:
      hyperparameters: values that `Task.build_teacher` will receive.
      epochs: of a teacher's training.
      pipelining: the stages of a teacher.
    """

    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    epochs: Positive = TrainingConfig().epochs
    pipelining: PipeliningConfig = dataclasses.field(default_factory=PipeliningConfig)

    @classmethod
    def of(cls, config: Config) -> PlannedTeacher:
        """Returns what the whole tree says of the teachers."""
        epochs = config.teachers.epochs or config.training.epochs
        return cls(config.teachers.hyperparameters, epochs, config.pipelining)
