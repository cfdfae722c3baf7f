"""Gate: is the student fit to serve?"""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from components.artifacts.types import Measurements, Predictions
from components.gate.executor import Executor
from components.properties.slices import CODE, CodeRef, code_properties, properties_of
from limbeck.settings.gate import GateConfig

_Channel = component_spec.ChannelParameter
_Parameter = component_spec.ExecutionParameter


class GateSpec(component_spec.ComponentSpec):
    """What Gate takes and gives."""

    PARAMETERS: ClassVar = CODE | {
        "tolerance": _Parameter(type=float),
        "max_bytes": _Parameter(type=int, optional=True),
        "max_latency_ms": _Parameter(type=float, optional=True),
        "require_gain": _Parameter(type=int),
    }
    INPUTS: ClassVar = {
        "model": _Channel(type=standard_artifacts.Model),
        "predictions": _Channel(type=Predictions),
        "measurements": _Channel(type=Measurements),
    }
    OUTPUTS: ClassVar = {"blessing": _Channel(type=standard_artifacts.ModelBlessing)}


class Gate(base_component.BaseComponent):
    """Blesses the student for Pusher, or says why not (`decision.json` beside the blessing)."""

    SPEC_CLASS = GateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: channel.BaseChannel,
        predictions: channel.BaseChannel,
        measurements: channel.BaseChannel,
        limits: GateConfig,
        code: CodeRef,
    ) -> None:
        """Takes the student's `model`, and both outputs of Predictor."""
        spec = GateSpec(
            model=model,
            predictions=predictions,
            measurements=measurements,
            blessing=channel_utils.as_channel([standard_artifacts.ModelBlessing()]),
            **properties_of(limits),
            require_gain=int(limits.require_gain),
            **code_properties(code),
        )
        super().__init__(spec=spec)
