"""What TeacherTrainer and Distiller share: inputs, outputs, and how a node is made."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, CodeRef, code_properties
from limbeck.components.properties.sections import Properties, Section
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig

_Channel = component_spec.ChannelParameter


class TrainingSpec(component_spec.ComponentSpec):
    """Transformed examples and their graph -> model and model run. A subclass adds its own parameters."""

    PARAMETERS: ClassVar = CODE | Section(TrainingConfig).parameters | Section(StrategyConfig).parameters
    INPUTS: ClassVar = {
        "examples": _Channel(type=standard_artifacts.Examples),
        "transform_graph": _Channel(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS: ClassVar = {
        "model": _Channel(type=standard_artifacts.Model),
        "model_run": _Channel(type=standard_artifacts.ModelRun),
    }


class TrainingComponent(base_component.BaseComponent):
    """Outputs: `model` (SavedModel of `limbeck.trainer.serving.export`), `model_run` (history, `rank-<r>.json`)."""

    def __init__(
        self,
        examples: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        properties: Properties,
        **further: channel.BaseChannel,
    ) -> None:
        """Takes `properties` as its spec declares them, and a subclass's further inputs."""
        spec = self.SPEC_CLASS(
            examples=examples,
            transform_graph=transform_graph,
            **further,
            model=channel_utils.as_channel([standard_artifacts.Model()]),
            model_run=channel_utils.as_channel([standard_artifacts.ModelRun()]),
            **properties,
        )
        super().__init__(spec=spec)


def training_properties(context: Context, training: TrainingConfig, code: CodeRef) -> Properties:
    """Returns the properties that `TrainingSpec` declares.

    Args:
      context: settings and task.
      training: the section `training` for this node.
      code: task and digest.
    """
    # Defaults are written out, so that writing a default into the settings does not train again.
    strategy = context.config.strategy.written_out
    return (
        code_properties(code) | Section(TrainingConfig).encode(training) | Section(StrategyConfig).encode(strategy)
    )


def training_code(context: Context, executor: str, part: str) -> CodeRef:
    """Returns the task and the digest for a component that trains.

    Args:
      context: settings and task.
      executor: `module:name`.
      part: digest of the part of the task that the component runs.
    """
    # The command line of a training process names the last two, so no import leads to them.
    return context.code([executor, "limbeck.trainer.worker", "limbeck.trainer.training"], part)
