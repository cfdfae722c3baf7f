"""Started by a training pod: `python -m limbeck.launchers.kubernetes.in_pod --files URI --start-seconds S ...`.

All pods of a job have the same template, so the command does not contain the rank. This program takes the rank from the
completion index; with the training operator, TF_CONFIG is already set. The rest is the same as for every process on
another machine.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Mapping, Sequence

from limbeck.launchers import far_process
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.cluster import Addresses, cluster_task

# The Job controller sets it in every pod of an Indexed Job.
INDEX = "JOB_COMPLETION_INDEX"


def own_config(environment: Mapping[str, str], addresses: Sequence[str]) -> str:
    """Returns the TF_CONFIG of this pod's process; empty if it is the only one.

    Args:
      environment: variables of the pod.
      addresses: `host:port` of each rank; empty if TF_CONFIG is set, or if this process is the only one.

    Raises:
      KeyError: if there are addresses, but no completion index.
    """
    if not addresses:
        return environment.get(cluster.ENVIRONMENT, "")
    me = cluster_task(int(environment[INDEX]), len(addresses))
    chief, *workers = addresses
    return cluster.to_text(Addresses(chief, tuple(workers)), me.role, me.index)


def main(arguments: Sequence[str]) -> int:
    """Trains, and returns the exit code of the process."""
    given = _parser().parse_args(arguments)
    mine = functools.partial(own_config, addresses=given.address)
    return far_process.train(given.files, given.start_seconds, mine)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="limbeck.launchers.kubernetes.in_pod", description="Trains in a pod.")
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
