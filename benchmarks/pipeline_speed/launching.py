"""Starts a probe in fresh processes, with the other stages beside it, and reads what it measured."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from limbeck.launchers.local import ports
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.cluster import CHIEF, WORKER, Addresses

ROOT = Path(__file__).resolve().parents[2]
_ENVIRONMENT = {
    "TF_USE_LEGACY_KERAS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONWARNINGS": "ignore",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "2",
}


class ProbeFailedError(Exception):
    """A probe ended with another exit code than 0.

    Attributes:
      code: the exit code; minus the number of the signal that killed it.
    """

    def __init__(self, code: int, text: str) -> None:
        """Takes the exit code, and the end of what the probe wrote."""
        super().__init__(f"the probe ended with {code}: {text}")
        self.code = code


def probed(
    module: str, case: Mapping[str, Any], servers: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Runs a probe, and returns the JSON of its last line.

    Args:
      module: the module of the probe, which takes the case as JSON.
      case: what it measures.
      servers: for each further stage, the argument of `benchmarks.pipeline_speed.server`: its core.
      variables: further variables of the environment of all processes.

    Raises:
      ProbeFailedError: if it fails.
    """
    with ports.held(1 + len(servers)) as numbers:
        addresses = Addresses(*_split([f"127.0.0.1:{number}" for number in numbers]))
        with _serving(addresses, servers, variables or {}):
            done = subprocess.run(
                [sys.executable, "-m", module, json.dumps(dict(case))],
                cwd=ROOT,
                env=_environment(addresses, CHIEF, 0, variables or {}) if servers else _plain(variables or {}),
                capture_output=True,
                text=True,
                check=False,
            )
    if done.returncode:
        raise ProbeFailedError(done.returncode, (done.stderr or done.stdout)[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextlib.contextmanager
def _serving(addresses: Addresses, servers: Sequence[str], variables: Mapping[str, str]) -> Iterator[None]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.pipeline_speed.server", argument],
            cwd=ROOT,
            env=_environment(addresses, WORKER, number, variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number, argument in enumerate(servers)
    ]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()


def _split(all_addresses: list[str]) -> tuple[str, tuple[str, ...]]:
    chief, *workers = all_addresses
    return chief, tuple(workers)


def _plain(variables: Mapping[str, str]) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if name != cluster.ENVIRONMENT}
    return mine | _ENVIRONMENT | dict(variables)


def _environment(
    addresses: Addresses, role: cluster.Role, index: int, variables: Mapping[str, str]
) -> dict[str, str]:
    return _plain(variables) | {
        cluster.ENVIRONMENT: cluster.to_text(addresses, role, index),
        "no_grpc_proxy": "127.0.0.1",
    }
