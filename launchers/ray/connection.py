"""The connection of an attempt to its Ray cluster, with its placement group and its actors.

When a connection ends, everything that was started over it ends, too: Ray removes the actors and the placement group of
a process that has ended, even if the process was killed.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.failure import AttemptFailedError
from limbeck.launchers.far_output import LAST_LINES
from limbeck.launchers.ray.actor import RankActor
from limbeck.launchers.ray.placement import Node, Place, bundle
from limbeck.launchers.ray.rank_process import first_line
from limbeck.settings.ray import NOT_INSTALLED, RayConfig

_CONNECT_SECONDS = 10.0
_LOOK_SECONDS = 1.0


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Returns a context in which this process is connected to a cluster.

    Raises:
      UserError: if nothing listens there, if Ray is not installed here or its versions differ, or if this machine is
        not a node of the cluster.
    """
    _assert_reached(address)
    try:
        import ray
    except ModuleNotFoundError:
        raise UserError(NOT_INSTALLED) from None
    try:
        # Ray would print the output of its workers. Our processes' output comes through the actors.
        ray.init(address=address, log_to_driver=False, configure_logging=False, include_dashboard=False)
    except (RuntimeError, ValueError, ConnectionError) as error:
        raise UserError(
            f"there is no connection to the Ray cluster at launcher.ray.address={address} ({first_line(error)}): this "
            "machine must be one of its nodes, with the same versions of Ray and Python: call `ray start "
            f"--address {address}` here"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def living_nodes() -> list[Node]:
    """Returns the living nodes."""
    import ray

    return [
        Node(each["NodeManagerAddress"], each["Resources"].get("CPU", 0.0), each["Resources"].get("GPU", 0.0))
        for each in ray.nodes()
        if each["Alive"]
    ]


def is_alive(node: str) -> bool:
    """Returns whether a node, by its id, is still a part of the cluster."""
    import ray

    return any(each["NodeID"] == node and each["Alive"] for each in ray.nodes())


@contextlib.contextmanager
def reserved(processes: int, settings: RayConfig) -> Iterator[Any]:
    """Yields a placement group with room for this many processes. Removes it at the end.

    Raises:
      AttemptFailedError: if there was no room within `launcher.ray.start_seconds`.
    """
    from ray.util.placement_group import placement_group, remove_placement_group

    group = placement_group([bundle(settings)] * processes, strategy=settings.placement.upper())
    try:
        deadline = time.monotonic() + settings.start_seconds
        # Waits in short pieces, because Python handles signals only between them.
        while not group.wait(_LOOK_SECONDS):
            if time.monotonic() >= deadline:
                raise AttemptFailedError(
                    f"the Ray cluster had no room for {processes} processes within {settings.start_seconds:g} s: "
                    "wait until other jobs have ended, add nodes, or raise launcher.ray.start_seconds",
                    [f"{node.name}: {node.cpus:g} CPU and {node.gpus:g} GPU" for node in living_nodes()],
                )
        yield group
    finally:
        remove_placement_group(group)


@contextlib.contextmanager
def actors(group: Any, processes: int, settings: RayConfig) -> Iterator[list[Any]]:
    """Yields one actor for each process, in the order of the ranks. Kills them at the end."""
    import ray
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    remote = ray.remote(RankActor)
    made: list[Any] = []
    try:
        for rank in range(processes):
            strategy = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=rank)
            made.append(
                # Only our supervisor restarts, because a single actor cannot go on without its peers.
                remote.options(
                    num_cpus=settings.cpus, num_gpus=settings.gpus, max_restarts=0, scheduling_strategy=strategy
                ).remote()
            )
        yield made
    finally:
        for each in made:
            ray.kill(each, no_restart=True)


def places_of(made: Sequence[Any], settings: RayConfig) -> list[Place]:
    """Returns the places of actors, in their order.

    Raises:
      UserError: if a node lacks our code or its packages.
      AttemptFailedError: if an actor did not start.
    """
    import ray
    from ray.exceptions import GetTimeoutError, RayError

    try:
        return list(ray.get([each.place.remote() for each in made], timeout=settings.start_seconds))
    except GetTimeoutError:
        raise AttemptFailedError(
            f"the Ray cluster did not start {len(made)} actors within {settings.start_seconds:g} s", ()
        ) from None
    except RayError as error:
        raise _error_of_start(error) from None


def _error_of_start(error: Exception) -> UserError | TrainingFailedError:
    lines = str(error).strip().splitlines()
    missing = next(
        (line.strip() for line in lines if "ModuleNotFoundError" in line or "ImportError" in line), None
    )
    if missing is None:
        return AttemptFailedError(f"an actor did not start: {first_line(error)}", lines[-LAST_LINES:])
    return UserError(
        f"a node of the Ray cluster lacks what a training needs ({missing}): install Limbeck and its locked "
        "requirements there, and start Ray there with that Python"
    )


def _assert_reached(address: str) -> None:
    """Raises UserError if nothing listens at an address. Ray would silently try for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"nobody answers at launcher.ray.address={address} ({error}): give host:port as `ray start --head` shows "
            "them, and start the cluster first"
        ) from None
