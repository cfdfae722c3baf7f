"""Distiller: examples with soft targets -> a student, trained in several processes."""

from __future__ import annotations

import json
from typing import ClassVar

from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import component_spec, standard_artifacts

from limbeck.components.distiller.executor import TEACHER_HYPERPARAMETERS, Executor
from limbeck.components.graph.context import Context
from limbeck.components.properties.sections import Properties, Section
from limbeck.components.training.component import (
    TrainingComponent,
    TrainingSpec,
    training_code,
    training_properties,
)
from limbeck.models import MODELS, STUDENT, Model
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.student import StudentConfig
from limbeck.trainer.distillation.needs import assert_generations, assert_supported, needs_teacher
from limbeck.trainer.distillation.transfer.registry import assert_applicable
from limbeck.trainer.search.candidates import candidates

_DISTILLATION = Section(DistillationConfig, optional=True)
_SEARCH = Section(SearchConfig, optional=True)


class DistillerSpec(TrainingSpec):
    """Parameters, inputs and outputs of Distiller; `teacher` is the model that made the examples' soft targets.

    `teacher_hyperparameters`, as JSON, say how to build that model. Only a task with `initialise_student` or
    `hints` needs it, or a student on inputs whose soft targets were not stored.
    """

    PARAMETERS: ClassVar = (
        TrainingSpec.PARAMETERS
        | Section(StudentConfig).parameters
        | _DISTILLATION.parameters
        | _SEARCH.parameters
        | {
            "targets": component_spec.ExecutionParameter(type=str),
            TEACHER_HYPERPARAMETERS: component_spec.ExecutionParameter(type=str, optional=True),
        }
    )
    INPUTS: ClassVar = TrainingSpec.INPUTS | {
        "teacher": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)
    }


class Distiller(TrainingComponent):
    """Trains a student.

    Its property `targets` (`limbeck.models.Targets`) says what the student learns from: soft targets, or for a control,
    labels or pseudo-labels. Unless it learns from labels, it needs TeacherLabeler's examples and the `teacher`. If the
    task has `initialise_student`, it needs the `teacher` in any case.
    """

    SPEC_CLASS = DistillerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def distillers(
    context: Context, transform: BaseNode, labeler: BaseNode, teachers: BaseNode
) -> dict[str, Distiller]:
    """Makes a node for the student, and for each of its controls that the run has. Returns them by the model's name.

    Raises:
      ConfigError: if the distillation makes no sense for the kind of label. The error comes before any node runs.
    """
    config = context.config
    assert_applicable(config.distillation, context.task.objective, config.labelling)
    assert_supported(config.distillation, context.task)
    assert_generations(config.distillation)
    code = training_code(context, "limbeck.components.distiller.executor:Executor", context.digests.student)
    properties = training_properties(context, config.training, code) | Section(StudentConfig).encode(
        config.student
    )
    taught = {"examples": labeler.outputs["labelled_examples"], "teacher": teachers.outputs["model"]}
    # A student on labels needs no teacher, so a new teacher must not train it again.
    alone = {"examples": transform.outputs["transformed_examples"]}
    beside = needs_teacher(config.distillation, context.task)
    told = {TEACHER_HYPERPARAMETERS: json.dumps(config.teachers.hyperparameters, sort_keys=True)}
    if context.task.initialise_student is not None:
        # A control starts with the same weights as the student. Otherwise the comparison would include the effect of
        # the weights.
        alone |= {"teacher": taught["teacher"]}
        properties |= told
    return {
        name: Distiller(
            transform_graph=transform.outputs["transform_graph"],
            # The weights of the loss do not matter here, because a run of a compiled pipeline may change them.
            properties=properties | _targets(model, context) | (told if name == STUDENT and beside else {}),
            **(alone if model.targets == "labels" else taught),
        ).with_id(model.node)
        for name, model in MODELS.items()
        if name == STUDENT or (model.control and config.controls)
    }


def _targets(model: Model, context: Context) -> Properties:
    properties: Properties = {"targets": model.targets}
    if model.targets == "soft_targets":
        config, tempered = context.config, context.task.objective.wording.tempered
        properties |= _DISTILLATION.encode(config.distillation)
        # If there is nothing to choose, no setting of the search may train the student again.
        if len(candidates(config.distillation, config.search, tempered=tempered)) > 1:
            properties |= _SEARCH.encode(config.search)
    return properties
