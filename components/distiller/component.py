"""Distiller: examples with soft targets -> a student, trained over several processes."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import executor_spec

from components.distiller.executor import Executor
from components.parameters import DISTILLATION
from components.training_component import TrainingComponent, TrainingSpec


class DistillerSpec(TrainingSpec):
    """What Distiller takes and gives."""

    PARAMETERS: ClassVar = DISTILLATION


class Distiller(TrainingComponent):
    """Trains the student on the soft targets of TeacherLabeler's examples and, where it may see them, labels."""

    SPEC_CLASS = DistillerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
