"""Distiller: examples with soft targets -> a student, trained over several processes."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from components.distiller.executor import Executor
from components.parameters import DISTILLATION, Properties

_Channel = component_spec.ChannelParameter


class DistillerSpec(component_spec.ComponentSpec):
    """What Distiller takes and gives."""

    PARAMETERS: ClassVar = DISTILLATION
    INPUTS: ClassVar = {
        "examples": _Channel(type=standard_artifacts.Examples),
        "transform_graph": _Channel(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS: ClassVar = {
        "model": _Channel(type=standard_artifacts.Model),
        "model_run": _Channel(type=standard_artifacts.ModelRun),
    }


class Distiller(base_component.BaseComponent):
    """Trains the student on soft targets and, where it may see them, labels.

    Outputs `model` (SavedModel, see `trainer.export`) and `model_run` (`history.json`, `rank-<r>.json`).
    """

    SPEC_CLASS = DistillerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, examples: channel.BaseChannel, transform_graph: channel.BaseChannel, properties: Properties
    ) -> None:
        """Takes the labelled examples of TeacherLabeler, and `properties` as `DISTILLATION` declares them."""
        spec = DistillerSpec(
            examples=examples,
            transform_graph=transform_graph,
            model=channel_utils.as_channel([standard_artifacts.Model()]),
            model_run=channel_utils.as_channel([standard_artifacts.ModelRun()]),
            **properties,
        )
        super().__init__(spec=spec)
