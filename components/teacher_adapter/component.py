"""TeacherAdapter: a SavedModel of another pipeline -> a model with the signature of TeacherTrainer's teachers."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, code_properties
from limbeck.components.properties.sections import Properties
from limbeck.components.teacher_adapter.executor import Executor
from limbeck.records import to_json
from limbeck.saved_teacher import SavedTeacher

_Channel = component_spec.ChannelParameter


class TeacherAdapterSpec(component_spec.ComponentSpec):
    """Parameters, inputs and outputs of TeacherAdapter."""

    PARAMETERS: ClassVar = CODE | {"teacher": component_spec.ExecutionParameter(type=str)}
    INPUTS: ClassVar = {
        "examples": _Channel(type=standard_artifacts.Examples),
        "transform_graph": _Channel(type=standard_artifacts.TransformGraph),
        "given_model": _Channel(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {
        "model": _Channel(type=standard_artifacts.Model),
        "model_run": _Channel(type=standard_artifacts.ModelRun),
    }


class TeacherAdapter(base_component.BaseComponent):
    """Wraps a SavedModel (`limbeck.trainer.serving.adapted`), and tests it on real examples.

    Outputs: `model`, and `model_run` with a history that has the number of weights and no curves.
    """

    SPEC_CLASS = TeacherAdapterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        model: channel.BaseChannel,
        properties: Properties,
    ) -> None:
        """Takes `examples` and `transform_graph` of ExampleAdapter, the other `model`, and `properties`."""
        spec = TeacherAdapterSpec(
            examples=examples,
            transform_graph=transform_graph,
            given_model=model,
            model=channel_utils.as_channel([standard_artifacts.Model()]),
            model_run=channel_utils.as_channel([standard_artifacts.ModelRun()]),
            **properties,
        )
        super().__init__(spec=spec)


def teacher_adapter(
    context: Context, adapter: BaseNode, model: channel.BaseChannel, teacher: SavedTeacher
) -> TeacherAdapter:
    """Makes the node `TeacherAdapter`; `adapter` is the node `ExampleAdapter`."""
    code = context.code(["limbeck.components.teacher_adapter.executor:Executor"], context.digests.preprocessing)
    return TeacherAdapter(
        adapter.outputs["examples"],
        adapter.outputs["transform_graph"],
        model,
        code_properties(code) | {"teacher": to_json(teacher)},
    )
