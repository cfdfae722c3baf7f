"""Makes one attempt at a job on a Ray cluster: `python -m limbeck.launchers.ray.attempt REQUEST OUTCOME`.

Ray controls a process that is connected to a cluster: it sets signal handlers in this process, and ends the process
when the cluster's head is lost. This must not happen to the process that runs the pipeline. So each attempt has its own
process, which writes a file that says how the attempt ended. Everything that the attempt started ends with this
process.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.cluster import title
from limbeck.launchers.failure import AttemptFailedError, Ending, Exit, error_of
from limbeck.launchers.far_output import LAST_LINES
from limbeck.launchers.far_process import failure_uri, heartbeat_uri
from limbeck.launchers.heartbeat import Pulses
from limbeck.launchers.ray import connection, identity, placement
from limbeck.launchers.ray.placement import Place
from limbeck.launchers.ray.rank_process import RankProcess, first_line
from limbeck.launchers.ray.request import Outcome, Request
from limbeck.launchers.watch import watch
from limbeck.records import from_json, to_json

# Seconds to wait after the first failure. Ray reports a lost node some seconds after the peers of its process failed.
SETTLE_SECONDS = 10.0
# Seconds for the processes to save if this process is asked to end.
GRACE_SECONDS = 10.0


def run(request: Request) -> None:
    """Makes the attempt.

    Raises:
      UserError, TrainingFailedError: as `limbeck.launchers.launch.Launcher.launch` says.
    """
    settings, processes = request.settings, len(request.cluster.tasks)
    with _connected(request):
        if request.first and not settings.autoscaling:
            lacking = placement.shortage(connection.living_nodes(), processes, settings)
            if lacking is not None:
                raise UserError(lacking)
        with (
            connection.reserved(processes, settings) as group,
            connection.actors(group, processes, settings) as actors,
        ):
            places = connection.places_of(actors, settings)
            mine = identity.own_identity()
            for place in places:
                identity.assert_same(mine, place.identity, place.host)
            _train(request, actors, places)


@contextlib.contextmanager
def _connected(request: Request) -> Iterator[None]:
    """Connects to the cluster. At a later attempt, waits for a cluster that is not available."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(connection.connected(request.settings.address or ""))
        except UserError as error:
            if request.first:
                raise
            raise AttemptFailedError(str(error), ()) from None
        yield


def _train(request: Request, actors: Sequence[Any], places: Sequence[Place]) -> None:
    """Starts the processes, and watches them. Raises an error if they fail."""
    tasks, files = request.cluster.tasks, request.files
    failures = {task.rank: failure_uri(files, task.rank) for task in tasks}
    beats = {task.rank: heartbeat_uri(files, task.rank) for task in tasks}
    exits: queue.SimpleQueue[Exit] = queue.SimpleQueue()
    _start(request, actors, placement.configs(places, tasks))
    processes = [
        RankProcess(task.rank, title(request.job, task), place, actor, exits)
        for task, place, actor in zip(tasks, places, actors, strict=True)
    ]
    with _saving_on_interrupt(processes):
        ending = watch(exits, failures, Pulses(beats, request.heartbeat_seconds), SETTLE_SECONDS)
    if ending.failed or ending.silent:
        raise _verdict(ending, processes, failures)


def _start(request: Request, actors: Sequence[Any], configs: Sequence[str]) -> None:
    import ray
    from ray.exceptions import RayError

    settings, served = request.settings, request.cluster.served
    started = [
        actor.start.remote(
            request.files, config, len(actors), cpus=settings.cpus, gpus=settings.gpus, served=served
        )
        for actor, config in zip(actors, configs, strict=True)
    ]
    try:
        ray.get(started)
    except RayError as error:
        words = str(error).strip().splitlines()
        raise AttemptFailedError(f"a process did not start: {first_line(error)}", words[-LAST_LINES:]) from None


@contextlib.contextmanager
def _saving_on_interrupt(processes: Sequence[RankProcess]) -> Iterator[None]:
    """Returns a context that gives processes time to save if this process is asked to end."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for process in processes:
            process.wait(deadline)
        raise


def _verdict(
    ending: Ending, processes: Sequence[RankProcess], failures: dict[int, str]
) -> UserError | TrainingFailedError:
    """Returns the error to raise: a mistake of the user, a lost node, or an error from the exit codes."""
    told = error_of(ending, processes, failures)
    lost = next((process for process in processes if process.lost is not None), None)
    if isinstance(told, UserError) or lost is None:
        return told
    alive = connection.is_alive(lost.place.node)
    what = "its actor no longer answers from" if alive else "Ray lost"
    return AttemptFailedError(
        f"{lost.title} is gone: {what} the node {lost.place.host} ({lost.lost})", lost.last_lines()
    )


def main(arguments: Sequence[str]) -> int:
    """Makes the attempt that one file describes, and writes its outcome to another file. Returns the exit code."""
    from limbeck.trainer.process import lifeline

    lifeline.die_with_parent()
    request = from_json(Request, Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        run(request)
        outcome = Outcome("done")
    except (UserError, TrainingFailedError) as error:
        outcome = Outcome.of(error)
    Path(arguments[1]).write_text(to_json(outcome), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
