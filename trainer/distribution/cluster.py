"""The place of one process in its training job. No other module reads or writes TF_CONFIG.

TensorFlow reads the cluster from a JSON text in the environment, and hardly checks it. A misspelt role ends in a hang,
or in a crash of C++ code minutes later. Code that parses the text again, to ask whether this process is the chief,
differs from TensorFlow in corner cases. So the text is written and read here alone, and is read strictly.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from limbeck.errors import ConfigError

ENVIRONMENT = "TF_CONFIG"
CHIEF: Literal["chief"] = "chief"
WORKER: Literal["worker"] = "worker"
SERVER: Literal["ps"] = "ps"
Role = Literal["chief", "worker", "ps"]


@dataclasses.dataclass(frozen=True)
class Addresses:
    """The addresses of the processes of a job, each as `host:port`. Workers, and servers of variables, are in the order
    of their index."""

    chief: str
    workers: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ClusterTask:
    """One process of a job.

    Attributes:
      role: `chief`, `worker`, or `ps`, which keeps variables.
      index: number of the process within its role, from 0.
      rank: number of the process within the job: 0 for the chief, then the workers, then the
        servers.
      processes: number of processes of the job.
    """

    role: Role
    index: int
    rank: int
    processes: int

    @property
    def is_chief(self) -> bool:
        """Whether this process is the chief, which writes everything that a job writes only once."""
        return self.role == CHIEF


SINGLE = ClusterTask(role=CHIEF, index=0, rank=0, processes=1)


def cluster_task(rank: int, processes: int, servers: int = 0) -> ClusterTask:
    """Returns the process with a rank in `[0, processes)`: the chief has rank 0, then workers follow, then servers."""
    workers = processes - 1 - servers
    role: Role = CHIEF if rank == 0 else WORKER if rank <= workers else SERVER
    index = {CHIEF: 0, WORKER: rank - 1, SERVER: rank - 1 - workers}[role]
    return ClusterTask(role=role, index=index, rank=rank, processes=processes)


def to_text(addresses: Addresses, role: Role, index: int) -> str:
    """Returns the text of TF_CONFIG for the process with this role and index."""
    cluster: dict[Role, list[str]] = {CHIEF: [addresses.chief]}
    if addresses.workers:
        cluster[WORKER] = list(addresses.workers)
    if addresses.servers:
        cluster[SERVER] = list(addresses.servers)
    return json.dumps({"cluster": cluster, "task": {"type": role, "index": index}}, sort_keys=True)


def from_environment(environment: Mapping[str, str] | None = None) -> ClusterTask:
    """Reads the place of this process. Without TF_CONFIG, the process is the chief and the only one.

    Args:
      environment: variables by name; None: the environment of this process.

    Raises:
      ConfigError: if TF_CONFIG is not JSON, has another role, or lacks this process.
    """
    text = (os.environ if environment is None else environment).get(ENVIRONMENT)
    if not text:
        return SINGLE
    try:
        loaded = json.loads(text)
        cluster: dict[str, list[Any]] = loaded["cluster"]
        role, index = loaded["task"]["type"], int(loaded["task"]["index"])
        counts = {name: len(cluster[name]) for name in cluster}
    except (ValueError, KeyError, TypeError):
        raise _error("must be JSON with 'cluster' and 'task' ('type' and 'index')", text) from None
    if not set(counts) <= set(get_args(Role)) or counts.get(CHIEF) != 1:
        raise _error("must have one 'chief', any number of 'worker' and 'ps', and no other role", text)
    if not 0 <= index < counts.get(role, 0):
        raise _error(f"has no process {index} of role {role!r} in its cluster", text)
    rank = {CHIEF: 0, WORKER: 1, SERVER: 1 + counts.get(WORKER, 0)}[cast("Role", role)] + index
    return ClusterTask(cast("Role", role), index, rank, processes=sum(counts.values()))


def _error(rule: str, text: str) -> ConfigError:
    return ConfigError(f"{ENVIRONMENT} {rule}; received {text[:200]!r}. Remove it to train in a single process")
