"""TeacherTrainer: transformed examples -> an ensemble of teachers, trained over several processes."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import executor_spec
from tfx.types import component_spec

from components.properties.slices import TRAINING
from components.teacher_trainer.executor import Executor
from components.training.component import TrainingComponent, TrainingSpec


class TeacherTrainerSpec(TrainingSpec):
    """What TeacherTrainer takes and gives."""

    PARAMETERS: ClassVar = TRAINING | {"teachers": component_spec.ExecutionParameter(type=int)}


class TeacherTrainer(TrainingComponent):
    """Trains `teachers` models that differ in their seed, and exports them as one ensemble."""

    SPEC_CLASS = TeacherTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
