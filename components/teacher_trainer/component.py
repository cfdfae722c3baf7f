"""TeacherTrainer: transformed examples -> an ensemble of teachers, trained in several processes."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_node import BaseNode

from limbeck.components.graph.context import Context
from limbeck.components.properties.sections import Section
from limbeck.components.teacher_trainer.executor import Executor
from limbeck.components.training.component import (
    TrainingComponent,
    TrainingSpec,
    training_code,
    training_properties,
)
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.teachers import TeachersConfig


class TeacherTrainerSpec(TrainingSpec):
    """Parameters, inputs and outputs of TeacherTrainer."""

    PARAMETERS: ClassVar = (
        TrainingSpec.PARAMETERS | Section(TeachersConfig).parameters | Section(PipeliningConfig).parameters
    )


class TeacherTrainer(TrainingComponent):
    """Trains `teachers.count` models that differ in their seed, and exports them as one ensemble."""

    SPEC_CLASS = TeacherTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def teacher_trainer(context: Context, transform: BaseNode) -> TeacherTrainer:
    """Makes the node `TeacherTrainer`."""
    training, teachers = context.config.training, context.config.teachers
    # The number of epochs stands in one section only. Otherwise writing it into the other section would train again.
    training = dataclasses.replace(training, epochs=teachers.epochs or training.epochs)
    teachers = dataclasses.replace(teachers, epochs=None)
    code = training_code(context, "limbeck.components.teacher_trainer.executor:Executor", context.digests.teacher)
    return TeacherTrainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        properties=training_properties(context, training, code)
        | Section(TeachersConfig).encode(teachers)
        | Section(PipeliningConfig).encode(context.config.pipelining),
    )
