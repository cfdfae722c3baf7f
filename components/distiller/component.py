"""Distiller: examples with soft targets -> a student, trained over several processes."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import executor_spec
from tfx.types import component_spec, standard_artifacts

from components.distiller.executor import Executor
from components.properties.slices import DISTILLATION
from components.training.component import TrainingComponent, TrainingSpec


class DistillerSpec(TrainingSpec):
    """What Distiller takes and gives; `teacher` is the model whose soft targets the examples hold."""

    PARAMETERS: ClassVar = DISTILLATION
    INPUTS: ClassVar = TrainingSpec.INPUTS | {
        "teacher": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)
    }


class Distiller(TrainingComponent):
    """Trains a student.

    Its property `targets` (`trainer.job.TrainingJob`) says what the student learns from: soft targets, or, as a
    control, labels or pseudo-labels. All but labels need TeacherLabeler's examples and the `teacher`.
    """

    SPEC_CLASS = DistillerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
