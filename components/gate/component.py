"""Gate: is the student fit to serve?"""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.artifacts.types import Measurements, Predictions
from limbeck.components.gate.executor import Executor
from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, code_properties
from limbeck.components.properties.sections import Properties, Section
from limbeck.settings.gate import GateConfig

_Channel = component_spec.ChannelParameter


class GateSpec(component_spec.ComponentSpec):
    """Parameters, inputs and outputs of Gate."""

    PARAMETERS: ClassVar = (
        CODE
        | Section(GateConfig).parameters
        | {"unresolved": component_spec.ExecutionParameter(type=int, optional=True)}
    )
    INPUTS: ClassVar = {
        "model": _Channel(type=standard_artifacts.Model),
        "predictions": _Channel(type=Predictions),
        "measurements": _Channel(type=Measurements),
    }
    OUTPUTS: ClassVar = {"blessing": _Channel(type=standard_artifacts.ModelBlessing)}


class Gate(base_component.BaseComponent):
    """Blesses the student for Pusher, or writes the reasons for refusing it (`decision.json` beside the blessing).

    With the property `unresolved`, the blessing does not name the id of the model. Then Pusher accepts the model, but
    TFX's resolver of the latest blessed model ignores it.
    """

    SPEC_CLASS = GateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: channel.BaseChannel,
        predictions: channel.BaseChannel,
        measurements: channel.BaseChannel,
        properties: Properties,
    ) -> None:
        """Takes the student's `model`, and both outputs of Predictor."""
        spec = GateSpec(
            model=model,
            predictions=predictions,
            measurements=measurements,
            blessing=channel_utils.as_channel([standard_artifacts.ModelBlessing()]),
            **properties,
        )
        super().__init__(spec=spec)


def gate(context: Context, student: BaseNode, predictor: BaseNode, *, unresolved: bool = False) -> Gate:
    """Makes the node `Gate`. It is `unresolved` if a resolver looks for another model of the same pipeline.

    Raises:
      ConfigError: if the tolerance is invalid in the unit of the task's measure. The error comes before any node runs.
    """
    context.task.objective.measure.assert_tolerance(context.config.gate.tolerance)
    code = context.code(["limbeck.components.gate.executor:Executor"])
    return Gate(
        model=student.outputs["model"],
        predictions=predictor.outputs["predictions"],
        measurements=predictor.outputs["measurements"],
        properties=code_properties(code)
        | Section(GateConfig).encode(context.config.gate)
        | ({"unresolved": 1} if unresolved else {}),
    )
