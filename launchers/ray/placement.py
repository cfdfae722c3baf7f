"""Says where the processes of a job run on a Ray cluster, and whether they can ever fit there. Pure functions.

If a job can never fit, Ray silently lets it wait for ever. The resources of the nodes are known, so they are compared
with the needs of the job first.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from limbeck.launchers.ray.identity import Identity
from limbeck.settings.ray import RayConfig
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.cluster import Addresses, ClusterTask


@dataclasses.dataclass(frozen=True)
class Node:
    """A living node of the cluster, with all of its cores and GPUs, whether they are in use or not.

    Its name is its address. Several nodes may have the same address.
    """

    name: str
    cpus: float
    gpus: float


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a process will run.

    Attributes:
      host: address of its node.
      node: id of its node, as Ray knows it.
      port: a port of the node that is held for it.
      identity: versions and code of the process there.
    """

    host: str
    node: str
    port: int
    identity: Identity


def bundle(settings: RayConfig) -> dict[str, float]:
    """Returns the resources that are reserved for each process, by Ray's names."""
    reserved = {"CPU": float(settings.cpus)}
    return reserved | ({"GPU": float(settings.gpus)} if settings.gpus else {})


def shortage(nodes: Sequence[Node], processes: int, settings: RayConfig) -> str | None:
    """Returns what the cluster lacks for a job, in a sentence; None if the job fits when nothing else runs there.

    Args:
      nodes: the living nodes.
      processes: number of processes of the job.
      settings: what each of them needs, and how they are placed.
    """
    found = _room_of_all(nodes, settings)
    if found >= processes:
        return None
    each = f"{settings.cpus} CPU" + (f" and {settings.gpus} GPU" if settings.gpus else "")
    how = {"strict_spread": ", each on a node of its own", "strict_pack": ", all on one node"}
    has = ", ".join(f"{node.name}: {node.cpus:g} CPU and {node.gpus:g} GPU" for node in nodes) or "no node at all"
    spread = settings.placement == "strict_spread"
    remedy = "add nodes" if spread else "add nodes or cores"
    return (
        f"the job needs {processes} processes with {each} each{how.get(settings.placement, '')}, and the Ray cluster "
        f"has room for {found} ({has}): {remedy}, or lower strategy.workers, launcher.ray.cpus or launcher.ray.gpus"
        + (", or take launcher.ray.placement=pack" if spread else "")
        + "; with launcher.ray.autoscaling=true the job waits until the cluster has grown"
    )


def configs(places: Sequence[Place], tasks: Sequence[ClusterTask]) -> tuple[str, ...]:
    """Returns the TF_CONFIG of each process, in the order of the ranks; empty texts for a process that is alone.

    Args:
      places: of all processes, in the order of the ranks.
      tasks: of the same processes. None of them keeps variables for others.
    """
    if len(places) == 1:
        return ("",)
    chief, *workers = (f"{place.host}:{place.port}" for place in places)
    addresses = Addresses(chief, tuple(workers))
    return tuple(cluster.to_text(addresses, task.role, task.index) for task in tasks)


def _room_of_all(nodes: Sequence[Node], settings: RayConfig) -> int:
    """Returns how many processes fit on a cluster on which nothing else runs."""
    rooms = [_room(node, settings) for node in nodes]
    if settings.placement == "strict_spread":
        return sum(1 for room in rooms if room)
    return max(rooms, default=0) if settings.placement == "strict_pack" else sum(rooms)


def _room(node: Node, settings: RayConfig) -> int:
    """Returns how many processes fit on a node on which nothing else runs."""
    rooms = [math.floor(node.cpus / settings.cpus)]
    if settings.gpus:
        rooms.append(math.floor(node.gpus / settings.gpus))
    return min(rooms)
