"""The program of a machine in a custom job: `python -m limbeck.launchers.vertex.in_replica --files URI ...`.

Vertex AI gives each process its place in TF_CONFIG, with fields that TensorFlow does not know, and with reduction
servers listed as parameter servers; and in CLUSTER_SPEC, by the numbers of the pools. This program converts them into
the plain TF_CONFIG that a training process reads. The rest is the same as for every process on another machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from limbeck.errors import ConfigError
from limbeck.launchers import far_process
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.cluster import Addresses

CLUSTER_SPEC = "CLUSTER_SPEC"
# The roles of TF_CONFIG (`master` is an old word for chief), and of CLUSTER_SPEC.
_CHIEFS, _WORKERS = ("chief", "master", "workerpool0"), ("worker", "workerpool1")


def own_config(environment: Mapping[str, str]) -> str:
    """Returns the TF_CONFIG of a training process from Vertex AI's variables. Raises ConfigError if it cannot."""
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


def main(arguments: Sequence[str]) -> int:
    """Trains, and returns the exit code of the process."""
    given = _parser().parse_args(arguments)
    return far_process.train(given.files, given.start_seconds, own_config)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="limbeck.launchers.vertex.in_replica", description="Trains in a custom job."
    )
    parser.add_argument("--files", required=True, metavar="URI", help="folder of the attempt")
    parser.add_argument("--start-seconds", required=True, type=float, help="how long the peers may take to start")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
