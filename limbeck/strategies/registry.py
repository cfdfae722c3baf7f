"""The strategies by name. To add one, write a file beside this one and add a line here."""

from __future__ import annotations

from limbeck.errors import ConfigError, nearest
from limbeck.strategies.central_storage import CentralStorage
from limbeck.strategies.horovod import Horovod
from limbeck.strategies.kind import StrategyKind
from limbeck.strategies.mirrored import Mirrored
from limbeck.strategies.multi_worker_mirrored import MultiWorkerMirrored
from limbeck.strategies.one_device import OneDevice
from limbeck.strategies.parameter_server import ParameterServer
from limbeck.strategies.tpu import Tpu

_KINDS: tuple[StrategyKind, ...] = (
    OneDevice(),
    Mirrored(),
    CentralStorage(),
    MultiWorkerMirrored(),
    ParameterServer(),
    Horovod(),
    Tpu(),
)
STRATEGIES: dict[str, StrategyKind] = {kind.name: kind for kind in _KINDS}


def strategy_kind(name: str) -> StrategyKind:
    """Returns the strategy with this name.

    Raises:
      ConfigError: if there is none. The message names the nearest known name.
    """
    if name not in STRATEGIES:
        raise ConfigError(
            f"configuration key 'strategy.name': there is no such strategy; received {name!r}."
            f"{nearest(name, STRATEGIES)} Known here: {', '.join(STRATEGIES)}"
        )
    return STRATEGIES[name]
