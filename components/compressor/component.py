"""Compressor: a trained student -> a `.tflite` file, and the transformation that makes its inputs."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.artifacts.types import CompressedModel
from limbeck.components.compressor.executor import Executor
from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, code_properties
from limbeck.components.properties.sections import Properties, Section
from limbeck.models import COMPRESSED, MODELS
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.training import TrainingConfig

_Channel = component_spec.ChannelParameter


class CompressorSpec(component_spec.ComponentSpec):
    """Parameters, inputs and outputs of Compressor; `examples` have soft targets."""

    PARAMETERS: ClassVar = (
        CODE
        | Section(TrainingConfig).parameters
        | Section(StudentConfig).parameters
        | Section(DistillationConfig).parameters
        | Section(CompressionConfig).parameters
    )
    INPUTS: ClassVar = {
        "examples": _Channel(type=standard_artifacts.Examples),
        "transform_graph": _Channel(type=standard_artifacts.TransformGraph),
        "student_model": _Channel(type=standard_artifacts.Model),
        "student_run": _Channel(type=standard_artifacts.ModelRun),
    }
    OUTPUTS: ClassVar = {
        "model": _Channel(type=CompressedModel),
        "model_run": _Channel(type=standard_artifacts.ModelRun),
    }


class Compressor(base_component.BaseComponent):
    """Compresses a student, in one process and on one device.

    Outputs: `model` (the folder of `limbeck.trainer.serving.compressed`), `model_run` (history, `rank-0.json`).
    """

    SPEC_CLASS = CompressorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        *,
        student_model: channel.BaseChannel,
        student_run: channel.BaseChannel,
        properties: Properties,
    ) -> None:
        """Takes TeacherLabeler's examples, the transform graph, both outputs of Distiller, and `properties`."""
        spec = CompressorSpec(
            examples=examples,
            transform_graph=transform_graph,
            student_model=student_model,
            student_run=student_run,
            model=channel_utils.as_channel([CompressedModel()]),
            model_run=channel_utils.as_channel([standard_artifacts.ModelRun()]),
            **properties,
        )
        super().__init__(spec=spec)


def compressors(
    context: Context, transform: BaseNode, labeler: BaseNode, student: BaseNode
) -> dict[str, Compressor]:
    """Makes the node `Compressor` if the settings have a recipe. Returns it by the name of its model."""
    config = context.config
    if config.compression.recipe == "none":
        return {}
    # A training process finds the last two by name, so no import leads to them.
    roots = [
        "limbeck.components.compressor.executor:Executor",
        "limbeck.trainer.worker",
        "limbeck.trainer.compressing",
    ]
    properties = (
        code_properties(context.code(roots, context.digests.student))
        | Section(TrainingConfig).encode(config.training)
        | Section(StudentConfig).encode(config.student)
        | Section(DistillationConfig).encode(config.distillation)
        | Section(CompressionConfig).encode(config.compression)
    )
    node = Compressor(
        examples=labeler.outputs["labelled_examples"],
        transform_graph=transform.outputs["transform_graph"],
        student_model=student.outputs["model"],
        student_run=student.outputs["model_run"],
        properties=properties,
    )
    return {COMPRESSED: node.with_id(MODELS[COMPRESSED].node)}
