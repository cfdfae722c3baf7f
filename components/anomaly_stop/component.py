"""AnomalyStop: ends a run on anomalies, which ExampleValidator only records, and on data unlike those before."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.anomaly_stop.executor import Executor
from components.properties.slices import CODE, CodeRef, Properties, code_properties

_Channel = component_spec.ChannelParameter
_Property = component_spec.ExecutionParameter


class AnomalyStopSpec(component_spec.ComponentSpec):
    """What AnomalyStop takes; it gives nothing."""

    PARAMETERS: ClassVar = CODE | {
        "accepted": _Property(type=str),
        "generation": _Property(type=int),
        "threshold": _Property(type=float),
        "skew_threshold": _Property(type=float),
    }
    INPUTS: ClassVar = {
        "statistics": _Channel(type=standard_artifacts.ExampleStatistics),
        "anomalies": _Channel(type=standard_artifacts.ExampleAnomalies),
        "schema": _Channel(type=standard_artifacts.Schema),
    }
    OUTPUTS: ClassVar[dict[str, object]] = {}


class AnomalyStop(base_component.BaseComponent):
    """Fails, naming everything that is wrong, so that nothing behind it runs: hang those on with `add_upstream_node`.

    Where nothing is wrong, it keeps schema and statistics: what it accepted first is the schema of later runs, and
    what it accepted last is what their statistics are compared with.
    """

    SPEC_CLASS = AnomalyStopSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        statistics: channel.BaseChannel,
        anomalies: channel.BaseChannel,
        schema: channel.BaseChannel,
        accepted: str,
        generation: int,
        limits: Properties,
        code: CodeRef,
    ) -> None:
        """Takes the data's statistics and inferred schema, and what ExampleValidator found.

        Args:
          statistics: of each split.
          anomalies: of each split.
          schema: inferred from `statistics`.
          accepted: folder or URI of what was accepted; see `components.anomaly_stop.accepted`.
          generation: that of the accepted schema. One more than it is now has these data's schema take its place.
          limits: runtime fields of `DriftConfig`.
          code: task and digest.
        """
        spec = AnomalyStopSpec(
            statistics=statistics,
            anomalies=anomalies,
            schema=schema,
            accepted=accepted,
            generation=generation,
            **limits,
            **code_properties(code),
        )
        super().__init__(spec=spec)
