"""Operational settings, which cannot change a result, and how they reach the code that does the work.

TFX's cache key holds every execution property and every flag of Beam. So operational settings must reach a component
in another way: through the environment of the process or container that runs it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT, from_json, to_json
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.config import Config
from limbeck.settings.fields import Positive
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.planned_student import PlannedStudent
from limbeck.settings.planned_teacher import PlannedTeacher
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.scoring import ScoringConfig
from limbeck.settings.training import TrainingConfig

ENVIRONMENT = "LIMBECK_OPERATIONAL"
_TRAINING = TrainingConfig()


@dataclass(frozen=True, config=STRICT)
class Operational:
    """The settings that an executor gets beside its execution properties. Sections have the names of the whole tree.

    Attributes:
      steps_per_call: of the section `training`, the rest of which changes results.
      swap: likewise.
      checkpoints: folder or URI for the checkpoints of all training jobs; null keeps none.
      looks: folder or URI where Gate notes which students it judged on which test split
        (`limbeck.components.gate.looks`); null keeps no count.
      planned_student: the student, for TeacherTrainer to try before it trains; null tries none. It changes no teacher.
      planned_compression: how the student will be compressed, for TeacherTrainer and Distiller to try before they
        train; null if it will not. It changes neither.
      planned_teacher: the teacher, for the control on hard labels to try before it trains; likewise.
    """

    checkpoint: CheckpointConfig = dataclasses.field(default_factory=CheckpointConfig)
    launcher: LauncherConfig = dataclasses.field(default_factory=LauncherConfig)
    recovery: RecoveryConfig = dataclasses.field(default_factory=RecoveryConfig)
    scoring: ScoringConfig = dataclasses.field(default_factory=ScoringConfig)
    steps_per_call: Positive = _TRAINING.steps_per_call
    swap: bool = _TRAINING.swap
    checkpoints: str | None = None
    looks: str | None = None
    planned_student: PlannedStudent | None = None
    planned_teacher: PlannedTeacher | None = None
    planned_compression: CompressionConfig | None = None

    @classmethod
    def of(cls, config: Config, checkpoints: str | None, looks: str | None = None) -> Operational:
        """Returns the operational sections of the whole tree."""
        names = [field.name for field in dataclasses.fields(cls) if hasattr(config, field.name)]
        sections = {name: getattr(config, name) for name in names}
        return cls(
            **sections,
            steps_per_call=config.training.steps_per_call,
            swap=config.training.swap,
            checkpoints=checkpoints,
            looks=looks,
            planned_student=PlannedStudent.of(config),
            planned_teacher=PlannedTeacher.of(config),
            planned_compression=None if config.compression.recipe == "none" else config.compression,
        )

    def environment(self) -> dict[str, str]:
        """Returns the environment variable that `read` understands."""
        return {ENVIRONMENT: to_json(self)}


def read(environment: Mapping[str, str]) -> Operational:
    """Returns the operational settings of this process; the defaults if its environment has none.

    Raises:
      ConfigError: if the variable holds something else.
    """
    text = environment.get(ENVIRONMENT)
    return Operational() if text is None else from_json(Operational, text)
