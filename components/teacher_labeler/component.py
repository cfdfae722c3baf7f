"""TeacherLabeler: computes soft targets in Beam, once for all epochs and all students."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, code_properties
from limbeck.components.properties.sections import Properties, Section
from limbeck.components.teacher_labeler.executor import Executor
from limbeck.settings.labelling import LabellingConfig
from limbeck.trainer.distillation.stored.form import form_of

_Channel = component_spec.ChannelParameter


class TeacherLabelerSpec(component_spec.ComponentSpec):
    """Parameters, inputs and outputs of TeacherLabeler."""

    PARAMETERS: ClassVar = CODE | Section(LabellingConfig).parameters
    INPUTS: ClassVar = {
        "examples": _Channel(type=standard_artifacts.Examples),
        "model": _Channel(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {"labelled_examples": _Channel(type=standard_artifacts.Examples)}


class TeacherLabeler(base_beam_component.BaseBeamComponent):
    """Adds `teacher_logits` `[teachers, classes]` to every example of every split.

    It keeps the logits of each teacher, because the temperature may change from run to run, and the mean of the
    probabilities at a temperature cannot be computed from averaged logits. The settings may ask for a smaller form in
    the training split, called `soft_targets`. The other splits keep the logits, because models are judged by them.
    """

    SPEC_CLASS = TeacherLabelerSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: channel.BaseChannel, model: channel.BaseChannel, properties: Properties) -> None:
        """Takes transformed examples, the teachers' `model`, and `properties` as the spec declares them."""
        spec = TeacherLabelerSpec(
            examples=examples,
            model=model,
            labelled_examples=channel_utils.as_channel([standard_artifacts.Examples()]),
            **properties,
        )
        super().__init__(spec=spec)


def teacher_labeler(context: Context, transform: BaseNode, teachers: BaseNode) -> TeacherLabeler:
    """Makes the node `TeacherLabeler`.

    Raises:
      ConfigError: if the form of the soft targets makes no sense for the kind of label.
    """
    labelling = context.config.labelling
    form_of(labelling, context.task.objective)
    code = context.code(["limbeck.components.teacher_labeler.executor:Executor"])
    return TeacherLabeler(
        examples=transform.outputs["transformed_examples"],
        model=teachers.outputs["model"],
        properties=code_properties(code) | Section(LabellingConfig).encode(labelling),
    )
