"""`serve`: becomes the server that answers requests with the pushed students."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import limbeck
from limbeck.cli import writable
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.errors import ConfigError, UserError
from limbeck.server import bootstrap, ports, versions

NAME = "student"
_LARGEST_PORT = 65535
_Result = TypeVar("_Result")
_READY = "ready to serve"
# Finds the packages without importing them, because imports take seconds. The first folder is the working directory.
_PROBE = (
    "import sys; del sys.path[0]; from importlib.util import find_spec; "
    f"print('{_READY}' if find_spec('kserve') and find_spec('tensorflow') else '')"
)


def execute(arguments: argparse.Namespace) -> int:
    """Replaces this process with the server. Raises UserError if it could not serve."""
    program = command(arguments)
    if arguments.workers > 1:
        for option, port in _ports(arguments).items():
            # It stays open in the server, which replaces this program.
            os.set_inheritable(_taken(option, port, ports.reserve).detach(), True)
    os.execv(program[0], program)  # noqa: S606


def command(arguments: argparse.Namespace) -> list[str]:
    """Returns the command of the server. Makes the folder of its record.

    Raises:
      ConfigError: if a number is out of its range, a port is taken, or the folder of the record cannot be written.
      UserError: if there is nothing to serve, or no environment to serve in.
    """
    for name, smallest in {"workers": 1, "versions": 1, "batch_size": 1, "batch_wait_ms": 0}.items():
        # Written so that NaN is refused: with NaN, a request would wait for ever.
        if not getattr(arguments, name) >= smallest:
            option = name.replace("_", "-")
            raise ConfigError(f"--{option} must be at least {smallest}; received {getattr(arguments, name):g}")
    if arguments.workers > 1 and sys.platform != "linux":
        raise ConfigError(
            f"--workers must be 1 on {sys.platform}, which shares no port out; received {arguments.workers}"
        )
    if not 0 < arguments.record_share <= 1:
        raise ConfigError(f"--record-share must be above 0 and at most 1; received {arguments.record_share:g}")
    serving = RunFolder(arguments.root.resolve()).serving
    if not versions.found(serving):
        raise UserError(
            f"there is no student in {serving}: a run pushes one when its gate lets it pass. "
            f"See what the last run did: python pipeline.py report {arguments.root}"
        )
    python = _python(arguments.python)
    for option, port in _ports(arguments).items():
        _taken(option, port, ports.assert_free)
    if arguments.port == arguments.grpc_port:
        raise ConfigError(f"--port and --grpc-port must differ; received {arguments.port} for both")
    options = {
        "--name": NAME,
        "--port": arguments.port,
        "--grpc-port": arguments.grpc_port,
        "--versions": arguments.versions,
        "--batch-size": arguments.batch_size,
        "--batch-wait-ms": arguments.batch_wait_ms,
    }
    if arguments.record is not None:
        _make_record(arguments.record)
        options |= {"--record": arguments.record.resolve(), "--record-share": arguments.record_share}
    told = [str(part) for option in options.items() for part in option]
    program = [str(Path(bootstrap.__file__)), limbeck.__path__[0], "limbeck.server.program", str(serving), *told]
    if arguments.workers == 1:
        return [str(python), *program]
    return [str(python), *program[:2], "limbeck.server.workers", str(arguments.workers), *program]


def _make_record(folder: Path) -> None:
    """Makes the folder of the record. Raises ConfigError if it is not writable, which the server would only log."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--record must be a folder, or a new one in a folder that can be written; received {folder} "
            f"({error.strerror})"
        ) from None
    writable.check_folder("--record", folder, folder)


def _python(given: Path | None) -> Path:
    usual = Path(limbeck.__path__[0]).parent / ".venv-server" / "bin" / "python"
    python = given or usual
    if not python.is_file():
        raise UserError(
            f"the server needs an environment of its own, and there is no {python}: run `make install-server`, or "
            "install server/requirements.txt into one of yours and give --python"
        )
    if not _can_serve(python):
        raise UserError(
            f"the server needs a Python with KServe and TensorFlow, which {python} is not: run `make install-server` "
            "and leave --python out, or install server/requirements.txt into its environment"
        )
    return python


def _can_serve(python: Path) -> bool:
    try:
        done = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == _READY


def _ports(arguments: argparse.Namespace) -> dict[str, int]:
    """Returns the ports by their options. If the port of gRPC is 0, there is none."""
    grpc = {"--grpc-port": arguments.grpc_port} if arguments.grpc_port else {}
    return {"--port": arguments.port, **grpc}


def _taken(option: str, port: int, take: Callable[[int], _Result]) -> _Result:
    """Returns what `take` returns for a port. Raises ConfigError if the port cannot be used."""
    if not 0 < port <= _LARGEST_PORT:
        raise ConfigError(f"{option} must be from 1 to {_LARGEST_PORT}; received {port}")
    try:
        return take(port)
    except OSError as error:
        raise ConfigError(f"{option}={port} cannot be used ({error.strerror}): give another port") from error
