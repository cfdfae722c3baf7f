"""Shared code of the programs that start a training process on another machine: a pod, or a replica of a custom job.

The launcher is on another machine, so the process reads the job from a URI, and writes its heartbeats below this URI.
Other processes may start late: the host names of the peers can be resolved only when their machines exist, which may
take minutes if a cluster must grow first. TensorFlow would give up earlier, so a process waits for the names before it
trains.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from types import FrameType

from limbeck import files
from limbeck.launchers import failure
from limbeck.trainer.distribution import cluster
from limbeck.trainer.process import heartbeat, preemption

JOB_FILE = "job.json"
_LOOK_SECONDS = 1.0


def failure_uri(folder: str, rank: int) -> str:
    """Returns the URI of the file in which the process of a rank reports why it failed."""
    return files.join(folder, f"failure-{rank}.json")


def heartbeat_uri(folder: str, rank: int) -> str:
    """Returns the URI of the heartbeat file of a rank."""
    return files.join(folder, f"heartbeat-{rank}")


def variables(environment: Mapping[str, str], folder: str, text: str) -> dict[str, str]:
    """Returns the variables that a training process needs.

    Args:
      environment: variables of its machine.
      folder: URI of the attempt's files.
      text: its TF_CONFIG; empty if it is the only process.

    Raises:
      ConfigError: if TF_CONFIG is invalid.
    """
    me = cluster.from_environment({cluster.ENVIRONMENT: text} if text else {})
    # gRPC would send messages to peers through http_proxy, and wait for ever.
    direct = [environment.get("no_grpc_proxy") or environment.get("no_proxy"), *hosts(text)]
    return {
        # A single process gets no TF_CONFIG.
        cluster.ENVIRONMENT: text if me.processes > 1 else "",
        failure.ENVIRONMENT: failure_uri(folder, me.rank),
        heartbeat.ENVIRONMENT: heartbeat_uri(folder, me.rank),
        "no_grpc_proxy": ",".join(filter(None, direct)),
    }


def hosts(text: str) -> tuple[str, ...]:
    """Returns the host names of all processes, in the order of the ranks; empty without a TF_CONFIG."""
    members = json.loads(text)["cluster"] if text else {}
    return tuple(address.rpartition(":")[0] for role in ("chief", "worker") for address in members.get(role, []))


def wait_for(
    names: Iterable[str],
    seconds: float,
    is_known: Callable[[str], bool],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Returns when all names are known.

    Args:
      names: host names.
      seconds: how long to wait for all of them together.
      is_known: returns whether a name has an address.
      pause: waits a number of seconds.

    Raises:
      TimeoutError: if a name is not known by then. The message contains the first such name.
    """
    deadline = time.monotonic() + seconds
    for name in names:
        while not is_known(name):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"the machine of a peer, {name}, was not there within {seconds:g} s")
            pause(_LOOK_SECONDS)


def train(folder: str, start_seconds: float, own_config: Callable[[Mapping[str, str]], str]) -> int:
    """Waits for the peers of this process, and trains.

    Args:
      folder: URI of the attempt's files.
      start_seconds: how long the peers may take to start.
      own_config: returns the TF_CONFIG of this process from the variables of its machine; empty if it is alone.

    Returns:
      The exit code of the process.
    """
    # The first process of a container ignores SIGTERM if it has no handler. There is nothing to save yet.
    signal.signal(signal.SIGTERM, _leave)
    os.environ.update(variables(os.environ, folder, own_config(os.environ)))
    if peers := hosts(os.environ[cluster.ENVIRONMENT]):
        with heartbeat.silence(start_seconds):
            wait_for(peers, start_seconds, _is_known)
    from limbeck.trainer import worker

    return worker.main([files.join(folder, JOB_FILE)])


def _is_known(name: str) -> bool:
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return False
    return True


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(preemption.EXIT_CODE)
