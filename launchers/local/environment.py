"""The environment of a local training process.

By default, each process uses all cores of its machine, and then two processes run slower than one. So this module
divides the cores. TensorFlow reads the number of threads when it is imported, so it is passed by environment variables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from limbeck import events
from limbeck.launchers.failure import ENVIRONMENT as FAILURE
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.cluster import Addresses, ClusterTask
from limbeck.trainer.process import heartbeat, interpreter, lifeline

LOOPBACK = "127.0.0.1"
# The variables that may differ between processes of one launching process. No import reads them.
PER_PROCESS = frozenset(
    {
        events.ENVIRONMENT,
        *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "no_grpc_proxy", "TMPDIR"),
        *(lifeline.ENVIRONMENT, FAILURE, heartbeat.ENVIRONMENT, cluster.ENVIRONMENT),
    }
)
# Numerical libraries start threads when they are imported. Threads break a fork, and sums would depend on the number of
# cores.
_ALONE = {"OPENBLAS_NUM_THREADS": "1"}


def environment(
    inherited: Mapping[str, str],
    task: ClusterTask,
    addresses: Addresses | None,
    *,
    failure: str,
    beat: str,
    scratch: str,
    served: bool = False,
) -> dict[str, str]:
    """Returns the variables of one process.

    Args:
      inherited: variables of the launching process, with the GPUs of this process (`limbeck.launchers.local.gpus`).
      task: the process.
      addresses: the addresses of all processes; None if there is only one process.
      failure: the file in which the process reports a failure.
      beat: the file that the process touches as a sign of life.
      scratch: a folder for its temporary files, which the launcher removes. TensorFlow writes a file for each function
        that it rewrites, and a process that is killed or leaves in a hurry does not remove them.
      served: whether one process lets the others compute parts of its graphs.
    """
    threads = str(max(1, cores() // task.processes))
    own = {
        "TF_NUM_INTRAOP_THREADS": threads,
        # A part of a graph waits for values of other processes. With one thread, this would be a deadlock.
        "TF_NUM_INTEROP_THREADS": str(max(int(threads), task.processes)) if served else threads,
        "OMP_NUM_THREADS": threads,
        "no_grpc_proxy": ",".join(filter(None, [_without_proxy(inherited), LOOPBACK])),
        lifeline.ENVIRONMENT: str(os.getpid()),
        "TMPDIR": scratch,
        FAILURE: failure,
        heartbeat.ENVIRONMENT: beat,
    }
    if addresses is not None:
        own[cluster.ENVIRONMENT] = cluster.to_text(addresses, task.role, task.index)
    # A TF_CONFIG of the launching process describes another cluster.
    foreign = {k: v for k, v in inherited.items() if k != cluster.ENVIRONMENT}
    return alone(foreign) | own


def alone(inherited: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of a single further process, whose numerical libraries start no threads."""
    return _ALONE | interpreter.environment(inherited)


def _without_proxy(inherited: Mapping[str, str]) -> str | None:
    # gRPC sends even its loopback connections through http_proxy, and then waits for ever. It reads no_proxy only if
    # no_grpc_proxy is not set.
    return inherited.get("no_grpc_proxy") or inherited.get("no_proxy")


def cores() -> int:
    """Returns the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
