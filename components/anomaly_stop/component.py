"""AnomalyStop: ends a run on anomalies, which ExampleValidator only records, and on data unlike earlier data."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import channel, component_spec, standard_artifacts

from limbeck.components.anomaly_stop import curated
from limbeck.components.anomaly_stop.executor import Executor
from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, code_properties
from limbeck.components.properties.sections import Properties, Section
from limbeck.settings.drift import DriftConfig

_Channel = component_spec.ChannelParameter
_Property = component_spec.ExecutionParameter


class AnomalyStopSpec(component_spec.ComponentSpec):
    """Parameters and inputs of AnomalyStop; it has no outputs."""

    PARAMETERS: ClassVar = (
        CODE
        | Section(DriftConfig).parameters
        | {"accepted": _Property(type=str), "generation": _Property(type=int)}
    )
    INPUTS: ClassVar = {
        "statistics": _Channel(type=standard_artifacts.ExampleStatistics),
        "anomalies": _Channel(type=standard_artifacts.ExampleAnomalies),
        "schema": _Channel(type=standard_artifacts.Schema),
        "examples": _Channel(type=standard_artifacts.Examples),
    }
    OUTPUTS: ClassVar[dict[str, object]] = {}


class AnomalyStop(base_component.BaseComponent):
    """Fails if the data are bad, and lists all faults. `add_upstream_node` makes other nodes wait for it.

    If nothing is wrong, it stores the schema and the statistics. The first accepted schema holds for all later runs.
    The statistics of a later run are compared with the last accepted ones.
    """

    # The accepted schema and statistics are not an input, so the cache would not see a change.
    NEVER_CACHED = True
    SPEC_CLASS = AnomalyStopSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        statistics: channel.BaseChannel,
        anomalies: channel.BaseChannel,
        schema: channel.BaseChannel,
        examples: channel.BaseChannel,
        properties: Properties,
    ) -> None:
        """Takes raw examples, their statistics and inferred schema, and ExampleValidator's anomalies.

        Two of the `properties` are not settings. `accepted` is the folder or URI of the accepted schema and statistics
        (see `limbeck.components.anomaly_stop.accepted`). `generation` is the number of the accepted schema. If it is
        higher by one, the schema of these data replaces the accepted one.
        """
        spec = AnomalyStopSpec(
            statistics=statistics, anomalies=anomalies, schema=schema, examples=examples, **properties
        )
        super().__init__(spec=spec)


def anomaly_stop(
    context: Context,
    raw: BaseNode,
    statistics: BaseNode,
    schema: BaseNode,
    validator: BaseNode,
    *,
    generation: int,
) -> AnomalyStop:
    """Makes the node `AnomalyStop`. Raises TaskError if the task's schema cannot be read."""
    curated.read(context.task)
    code = context.code(["limbeck.components.anomaly_stop.executor:Executor"], context.digests.preprocessing)
    return AnomalyStop(
        statistics=statistics.outputs["statistics"],
        anomalies=validator.outputs["anomalies"],
        schema=schema.outputs["schema"],
        examples=raw.outputs["examples"],
        properties=code_properties(code)
        | Section(DriftConfig).encode(context.config.drift)
        | {"accepted": context.storage.accepted, "generation": generation},
    )
