"""TeacherTrainer: transformed examples -> an ensemble of teachers, trained over several processes."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from components.parameters import TRAINING, Properties
from components.teacher_trainer.executor import Executor

_Channel = component_spec.ChannelParameter


class TeacherTrainerSpec(component_spec.ComponentSpec):
    """What TeacherTrainer takes and gives."""

    PARAMETERS: ClassVar = TRAINING | {"teachers": component_spec.ExecutionParameter(type=int)}
    INPUTS: ClassVar = {
        "examples": _Channel(type=standard_artifacts.Examples),
        "transform_graph": _Channel(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS: ClassVar = {
        "model": _Channel(type=standard_artifacts.Model),
        "model_run": _Channel(type=standard_artifacts.ModelRun),
    }


class TeacherTrainer(base_component.BaseComponent):
    """Trains `teachers` models that differ in their seed, and exports them as one ensemble.

    Outputs `model` (SavedModel, see `trainer.export`) and `model_run` (`history.json`, `rank-<r>.json`).
    """

    SPEC_CLASS = TeacherTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, examples: channel.BaseChannel, transform_graph: channel.BaseChannel, properties: Properties
    ) -> None:
        """Takes `properties` as `TRAINING` declares them, and `teachers`, the size of the ensemble."""
        spec = TeacherTrainerSpec(
            examples=examples,
            transform_graph=transform_graph,
            model=channel_utils.as_channel([standard_artifacts.Model()]),
            model_run=channel_utils.as_channel([standard_artifacts.ModelRun()]),
            **properties,
        )
        super().__init__(spec=spec)
