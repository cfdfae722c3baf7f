"""AnomalyStop: ends a run on anomalies, which ExampleValidator only records."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.anomaly_stop.executor import Executor
from components.parameters import CODE, CodeRef, code_properties

_Channel = component_spec.ChannelParameter


class AnomalyStopSpec(component_spec.ComponentSpec):
    """What AnomalyStop takes; it gives nothing."""

    PARAMETERS: ClassVar = CODE
    INPUTS: ClassVar = {
        "anomalies": _Channel(type=standard_artifacts.ExampleAnomalies),
        "schema": _Channel(type=standard_artifacts.Schema),
    }
    OUTPUTS: ClassVar[dict[str, object]] = {}


class AnomalyStop(base_component.BaseComponent):
    """Fails, naming every anomaly, so that nothing behind it runs: hang those on with `add_upstream_node`."""

    SPEC_CLASS = AnomalyStopSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, anomalies: channel.BaseChannel, schema: channel.BaseChannel, code: CodeRef) -> None:
        """Takes what ExampleValidator found, and the schema of the data."""
        super().__init__(spec=AnomalyStopSpec(anomalies=anomalies, schema=schema, **code_properties(code)))
