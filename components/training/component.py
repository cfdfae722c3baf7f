"""What the components that train have in common: inputs, outputs, and how one is made."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from tfx.dsl.components.base import base_component
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from components.graph.context import Context
from components.properties.code import CODE, CodeRef, code_properties
from components.properties.sections import Properties, Section
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig

_Channel = component_spec.ChannelParameter


class TrainingSpec(component_spec.ComponentSpec):
    """Transformed examples and their graph -> model and model run; a subclass adds parameters of its own."""

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
    """Outputs `model` (SavedModel, see `trainer.serving.export`) and `model_run` (`history.json`, `rank-<r>.json`)."""

    def __init__(
        self,
        examples: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        properties: Properties,
        **further: channel.BaseChannel,
    ) -> None:
        """Takes `properties` as the parameters of its spec declare them, and further inputs of a subclass."""
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
    """The properties that `TrainingSpec` declares.

    Args:
      context: settings and task.
      training: the section `training`, as it holds for this node.
      code: task and digest.
    """
    strategy = context.config.strategy
    # A default spelt out is no other strategy, and must not train again.
    strategy = dataclasses.replace(strategy, workers=strategy.processes)
    return (
        code_properties(code) | Section(TrainingConfig).encode(training) | Section(StrategyConfig).encode(strategy)
    )


def training_code(context: Context, executor: str, part: str) -> CodeRef:
    """Task and digest of a component that trains: `executor` is `module:name`, `part` the digest of a task's part."""
    # A training process reaches the last two by its command line, which no import shows.
    return context.code([executor, "trainer.worker", "trainer.training"], part)
