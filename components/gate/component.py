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
    """Blesses the student for Pusher, or says why not (`decision.json` beside the blessing).

    With the property `unresolved`, the blessing does not name the id of the model: Pusher takes it, and TFX's resolver
    of the latest blessed model passes it over.
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
    """Makes the node `Gate`; `unresolved` if the pipeline has a model of its own that a resolver looks for.

    Raises:
      ConfigError: if the tolerance is none in the unit of the task's measure. So it is told before any node runs.
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
