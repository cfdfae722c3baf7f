"""Rules that several strategies share. Each rule refuses a setting that would otherwise be silently ignored.

Each takes the name of the strategy and its settings, and raises ConfigError.
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.strategies.kind import StrategySettings


def assert_one_process(name: str, settings: StrategySettings) -> None:
    """Refuses several workers."""
    if settings.workers not in (None, 1):
        raise ConfigError(
            f"strategy '{name}' runs in one process, but strategy.workers is {settings.workers}: "
            "leave strategy.workers out, or take strategy.name=multi_worker_mirrored"
        )


def assert_no_servers(name: str, settings: StrategySettings) -> None:
    """Refuses parameter servers."""
    if settings.parameter_servers is not None:
        raise ConfigError(
            f"strategy '{name}' has no parameter servers, but strategy.parameter_servers is "
            f"{settings.parameter_servers}: leave it out, or take strategy.name=parameter_server"
        )


def assert_no_logical_devices(name: str, settings: StrategySettings) -> None:
    """Refuses logical devices."""
    if settings.logical_devices is not None:
        raise ConfigError(
            f"strategy '{name}' has one device in each process without GPUs, but strategy.logical_devices is "
            f"{settings.logical_devices}: leave it out, or take strategy.name=mirrored or central_storage"
        )


def assert_no_communication(name: str, settings: StrategySettings) -> None:
    """Refuses a choice of communication."""
    if settings.communication != "auto":
        raise ConfigError(
            f"strategy.communication={settings.communication} concerns GPUs or processes, and strategy "
            f"'{name}'{' on logical devices' if settings.logical_devices else ''} has no choice: leave "
            "strategy.communication out"
        )
