"""Rules that several engines share: settings must not be ignored, or fail late. All rules raise ConfigError."""

from __future__ import annotations

import re
import socket

from limbeck.engines.kind import EngineSettings
from limbeck.errors import ConfigError

# A name, an IPv4 address, or an IPv6 address in brackets; and a port.
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65535
_SECONDS = 5.0


def assert_no_processes(settings: EngineSettings) -> None:
    """Refuses addresses, because an engine in the process of the pipeline has none."""
    _assert_absent(settings, ("endpoint", "pool", "command"), "asks no other process", "portable")


def assert_no_cluster(settings: EngineSettings) -> None:
    """Refuses the address of a cluster, and a job server in Java."""
    _assert_absent(settings, ("master", "job_server_jar"), "has no cluster", "flink or spark")


def _assert_absent(settings: EngineSettings, names: tuple[str, ...], rule: str, others: str) -> None:
    for name in names:
        value = getattr(settings, name)
        if value is not None:
            raise ConfigError(
                f"beam.engine={settings.engine} {rule}, but beam.{name} is {value!r}: leave it out, or take "
                f"beam.engine={others}"
            )


def assert_addresses(settings: EngineSettings) -> None:
    """Refuses an endpoint or a pool that is not `host:port`."""
    for name, value in (("endpoint", settings.endpoint), ("pool", settings.pool)):
        if value is not None:
            address(f"beam.{name}", value)


def address(name: str, value: str) -> tuple[str, int]:
    """Returns host and port. Raises ConfigError if `value`, the value of the setting `name`, is not such a pair."""
    found = _ADDRESS.fullmatch(value)
    if found is None or not 1 <= int(found["port"]) <= _LAST_PORT:
        raise ConfigError(
            f"{name} is an address such as beam.example.org:8099, received {value!r}: give a host and a port, and no "
            "scheme"
        )
    return found["host"].strip("[]"), int(found["port"])


def assert_environment(settings: EngineSettings) -> None:
    """Refuses settings of the unused way to start workers, and a command that is not an absolute path."""
    if settings.environment == "external" and settings.command is not None:
        raise ConfigError(
            "beam.command starts the workers of beam.environment=process, but beam.environment is external: leave "
            "beam.command out, or set beam.environment=process"
        )
    if settings.environment == "process" and settings.pool is not None:
        raise ConfigError(
            "beam.pool starts the workers of beam.environment=external, but beam.environment is process: leave "
            "beam.pool out, or set beam.environment=external"
        )
    if settings.command is not None and not settings.command.startswith("/"):
        raise ConfigError(
            "beam.command is the path of a program on the engine's machines, whose working folder nobody knows; "
            f"received {settings.command!r}: give an absolute path"
        )


def assert_listening(name: str, value: str) -> None:
    """Refuses an address at which nothing listens. Waits for at most 5 seconds."""
    host, port = address(name, value)
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError as error:
        raise ConfigError(
            f"{name} must be an address that listens, but {value} does not answer ({error.strerror or error}): start "
            "what should listen there, or give its address"
        ) from None
