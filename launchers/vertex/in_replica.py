"""What a machine of a custom job starts: `python -m launchers.vertex.in_replica --files URI --start-seconds S`.

Vertex AI tells each process its place in TF_CONFIG, with fields that TensorFlow does not know, and with reduction
servers as parameter servers, which they are not; and in CLUSTER_SPEC, by the numbers of the pools. This program makes
the plain TF_CONFIG of it that a training process reads. Then it waits until the names of all peers are known, because
Vertex AI starts each process as soon as its machine is there.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType

from launchers import failure
from limbeck import files
from limbeck.errors import ConfigError
from trainer.distribution import cluster
from trainer.distribution.cluster import Addresses
from trainer.process import heartbeat, preemption

JOB_FILE = "job.json"
CLUSTER_SPEC = "CLUSTER_SPEC"
# Of TF_CONFIG, where `master` is an old word, and of CLUSTER_SPEC.
_CHIEFS, _WORKERS = ("chief", "master", "workerpool0"), ("worker", "workerpool1")
_LOOK_SECONDS = 1.0


def failure_uri(folder: str, rank: int) -> str:
    """Returns where the process of a rank reports why it failed."""
    return files.join(folder, f"failure-{rank}.json")


def heartbeat_uri(folder: str, rank: int) -> str:
    """Returns where the process of a rank gives its signs of life."""
    return files.join(folder, f"heartbeat-{rank}")


def variables(environment: Mapping[str, str], folder: str) -> dict[str, str]:
    """Returns the variables that the training process of this machine needs.

    Args:
      environment: variables of the machine.
      folder: URI of the attempt's files.

    Raises:
      ConfigError: if neither TF_CONFIG nor CLUSTER_SPEC is understood.
    """
    text = own_config(environment)
    me = cluster.from_environment({cluster.ENVIRONMENT: text})
    # gRPC would send what it says to a peer through http_proxy, and wait for ever.
    direct = [environment.get("no_grpc_proxy") or environment.get("no_proxy"), *hosts(text)]
    return {
        # A process that is alone is told of no cluster.
        cluster.ENVIRONMENT: text if me.processes > 1 else "",
        failure.ENVIRONMENT: failure_uri(folder, me.rank),
        heartbeat.ENVIRONMENT: heartbeat_uri(folder, me.rank),
        "no_grpc_proxy": ",".join(filter(None, direct)),
    }


def own_config(environment: Mapping[str, str]) -> str:
    """Returns the TF_CONFIG of a training process, made of what Vertex AI tells; raises ConfigError as `variables`."""
    name = cluster.ENVIRONMENT if environment.get(cluster.ENVIRONMENT) else CLUSTER_SPEC
    text = environment.get(name, "")
    try:
        told = json.loads(text)
        members, kind, index = told["cluster"], told["task"]["type"], int(told["task"]["index"])
        (chief,) = next(members[each] for each in _CHIEFS if each in members)
        workers = next((tuple(members[each]) for each in _WORKERS if each in members), ())
    except (ValueError, KeyError, TypeError, StopIteration):
        raise ConfigError(
            f"{name} of a custom job must have a cluster with one chief, and a task with type and index; received "
            f"{text[:200]!r}"
        ) from None
    if kind not in (*_CHIEFS, *_WORKERS):
        raise ConfigError(f"{name} says that this process is a {kind}: only the first two pools train")
    return cluster.to_text(Addresses(chief, workers), "chief" if kind in _CHIEFS else "worker", index)


def hosts(text: str) -> tuple[str, ...]:
    """Returns the host names of all processes, in the order of the ranks."""
    members = json.loads(text)["cluster"]
    return tuple(address.rpartition(":")[0] for role in ("chief", "worker") for address in members.get(role, []))


def wait_for(
    names: Iterable[str],
    seconds: float,
    is_known: Callable[[str], bool],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Returns when all names have an address; raises TimeoutError if one has none after `seconds`."""
    deadline = time.monotonic() + seconds
    for name in names:
        while not is_known(name):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"the machine of a peer, {name}, was not there within {seconds:g} s")
            pause(_LOOK_SECONDS)


def main(arguments: Sequence[str]) -> int:
    """Trains, and returns the exit code of the process."""
    given = _parser().parse_args(arguments)
    # The first process of a container ignores SIGTERM if it has no handler. There is nothing to save yet.
    signal.signal(signal.SIGTERM, _leave)
    os.environ.update(variables(os.environ, given.files))
    if os.environ[cluster.ENVIRONMENT]:
        with heartbeat.silence(given.start_seconds):
            wait_for(hosts(os.environ[cluster.ENVIRONMENT]), given.start_seconds, _is_known)
    from trainer import worker

    return worker.main([files.join(given.files, JOB_FILE)])


def _is_known(name: str) -> bool:
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return False
    return True


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(preemption.EXIT_CODE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="launchers.vertex.in_replica", description="Trains in a custom job.")
    parser.add_argument("--files", required=True, metavar="URI", help="folder of the attempt")
    parser.add_argument("--start-seconds", required=True, type=float, help="how long the peers may take to start")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
