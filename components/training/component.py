"""What the components that train have in common: inputs, outputs, and how one is made."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from components.properties.slices import TRAINING, Properties

_Channel = component_spec.ChannelParameter


class TrainingSpec(component_spec.ComponentSpec):
    """Transformed examples and their graph -> model and model run; a subclass adds parameters of its own."""

    PARAMETERS: ClassVar = TRAINING
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
