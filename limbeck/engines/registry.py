"""The engines by name. To add one, write a file beside this one and add a line here."""

from __future__ import annotations

from limbeck.engines.dataflow import Dataflow
from limbeck.engines.flink import Flink
from limbeck.engines.kind import EngineKind
from limbeck.engines.local import Local
from limbeck.engines.portable import Portable
from limbeck.engines.spark import Spark
from limbeck.errors import ConfigError, nearest

_KINDS: tuple[EngineKind, ...] = (Local(), Portable(), Flink(), Spark(), Dataflow())
ENGINES: dict[str, EngineKind] = {kind.name: kind for kind in _KINDS}


def engine_kind(name: str) -> EngineKind:
    """Returns the engine with this name.

    Raises:
      ConfigError: if there is none. The message names the nearest known name.
    """
    if name not in ENGINES:
        raise ConfigError(
            f"configuration key 'beam.engine': there is no such engine; received {name!r}.{nearest(name, ENGINES)} "
            f"Known here: {', '.join(ENGINES)}"
        )
    return ENGINES[name]
