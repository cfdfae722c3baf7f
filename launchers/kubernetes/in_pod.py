"""What a training pod starts: `python -m launchers.kubernetes.in_pod --files URI --start-seconds S [--address A]...`.

All pods of a job have one template, so none is told its place by its command. This program takes the rank from the
completion index (or from TF_CONFIG, if the training operator has set it), and sets the variables that a training
process reads. Then it waits until the names of all peers are known: the records of a headless Service appear seconds
after a pod has an address, and pods of a cluster that must grow first start minutes apart. TensorFlow would give up.
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
from trainer.distribution import cluster
from trainer.distribution.cluster import Addresses, cluster_task
from trainer.process import heartbeat, preemption

# The Job controller sets it in every pod of an Indexed Job.
INDEX = "JOB_COMPLETION_INDEX"
JOB_FILE = "job.json"
_LOOK_SECONDS = 1.0


def failure_uri(folder: str, rank: int) -> str:
    """Returns where the process of a rank reports why it failed."""
    return files.join(folder, f"failure-{rank}.json")


def heartbeat_uri(folder: str, rank: int) -> str:
    """Returns where the process of a rank gives its signs of life."""
    return files.join(folder, f"heartbeat-{rank}")


def variables(environment: Mapping[str, str], folder: str, addresses: Sequence[str]) -> dict[str, str]:
    """Returns the variables that the training process of this pod needs.

    Args:
      environment: variables of the pod.
      folder: path or URI of the attempt's files.
      addresses: `host:port` of each rank; empty if TF_CONFIG is set, or if this process is the only one.

    Raises:
      ConfigError: if TF_CONFIG of the training operator is not understood.
      KeyError: if there are addresses, but no completion index.
    """
    found: dict[str, str] = {}
    if addresses:
        me = cluster_task(int(environment[INDEX]), len(addresses))
        chief, *workers = addresses
        found[cluster.ENVIRONMENT] = cluster.to_text(Addresses(chief, tuple(workers)), me.role, me.index)
    else:
        me = cluster.from_environment(environment)
    # gRPC would send what it says to a peer through http_proxy, and wait for ever.
    direct = [environment.get("no_grpc_proxy") or environment.get("no_proxy"), *hosts({**environment, **found})]
    return found | {
        failure.ENVIRONMENT: failure_uri(folder, me.rank),
        heartbeat.ENVIRONMENT: heartbeat_uri(folder, me.rank),
        "no_grpc_proxy": ",".join(filter(None, direct)),
    }


def hosts(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the host names of all processes, in the order of TF_CONFIG; empty without it."""
    text = environment.get(cluster.ENVIRONMENT)
    if not text:
        return ()
    addresses = json.loads(text)["cluster"].values()
    return tuple(address.rpartition(":")[0] for role in addresses for address in role)


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
      TimeoutError: names the first that is not known by then.
    """
    deadline = time.monotonic() + seconds
    for name in names:
        while not is_known(name):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"the pod of a peer, {name}, was not there within {seconds:g} s")
            pause(_LOOK_SECONDS)


def main(arguments: Sequence[str]) -> int:
    """Trains, and returns the exit code of the process."""
    given = _parser().parse_args(arguments)
    # The first process of a container ignores SIGTERM if it has no handler. There is nothing to save yet.
    signal.signal(signal.SIGTERM, _leave)
    os.environ.update(variables(os.environ, given.files, given.address))
    with heartbeat.silence(given.start_seconds):
        wait_for(hosts(os.environ), given.start_seconds, _is_known)
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
    parser = argparse.ArgumentParser(prog="launchers.kubernetes.in_pod", description="Trains in a pod.")
    parser.add_argument(
        "--files", required=True, metavar="URI", help="folder of the attempt: the job, signs, failures"
    )
    parser.add_argument("--start-seconds", required=True, type=float, help="how long the pods may take to start")
    parser.add_argument(
        "--address", action="append", default=[], metavar="HOST:PORT", help="of each rank, in order"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
