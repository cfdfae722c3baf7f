"""The clusters that `engine start` starts, by the name of their engine. Add a line for a new one."""

from __future__ import annotations

from limbeck.engines.standalone.flink import FlinkStandalone
from limbeck.engines.standalone.kind import StandaloneKind
from limbeck.engines.standalone.spark import SparkStandalone

STANDALONE: dict[str, StandaloneKind] = {kind.name: kind for kind in (FlinkStandalone(), SparkStandalone())}
