"""The process that runs the pipeline: `python -m limbeck.cli.local_run.runner ROOT`.

It is not the command line's own process, because TFX takes 15 seconds and a gigabyte to import, and cannot be stopped
from within. The command line's process stays small, watches this one, and writes the report after it has ended.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck import events, files, importing, reference
from limbeck.cli import exit_codes
from limbeck.cli.local_run import rerunning
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.engines.kind import Processes
from limbeck.errors import UserError
from limbeck.settings import trial
from limbeck.settings.beam import VARIABLES
from limbeck.settings.operational import Operational
from limbeck.trainer.process import lifeline

if TYPE_CHECKING:
    from limbeck.components.graph.context import Storage


def main(arguments: list[str], work: Callable[[RunFolder], None] | None = None) -> int:
    """Works in a run folder. Returns the exit code of the process.

    Args:
      arguments: the path of the folder.
      work: what to do; None runs the request of the folder.
    """
    lifeline.die_with_parent()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    logging.basicConfig(level=logging.INFO)
    try:
        (work or _run)(RunFolder(Path(arguments[0])))
    except UserError as error:
        traceback.print_exc()
        events.emit("failed", user=True, message=str(error))
        return exit_codes.USER_MISTAKE
    except Exception as error:
        traceback.print_exc()
        events.emit("failed", user=False, message=f"{type(error).__name__}: {error}")
        return exit_codes.OUR_FAULT
    return exit_codes.DONE


def _run(folder: RunFolder) -> None:
    request = folder.request()
    events.emit("phase", what="loading TensorFlow and TFX")
    with importing.for_good():
        from limbeck.beam_processes import running
        from limbeck.cli.local_run.dag_runner import ObservedDagRunner
        from limbeck.cli.local_run.store import moved_from
        from limbeck.launchers import launch

    before = moved_from(folder.metadata, folder.artifacts)
    if before is not None:
        told = (
            f"results were in {before}, and TFX knows them by their paths: all is computed again in {folder.root}"
        )
        events.note(told, logging.info)
    os.environ.pop(reference.ENVIRONMENT, None)
    os.environ.pop(trial.ENVIRONMENT, None)
    look_at_cluster(folder, request)
    with running.engine(request.config.beam, request.task, folder.log, folder.staged) as processes:
        os.environ.update(environment(folder, request, processes))
        graph = graph_of(folder, request)
        never_cached = {node.id for node in graph.components if getattr(node, "NEVER_CACHED", False)}
        if request.again is not None:
            after = {node.id: [one.id for one in node.downstream_nodes] for node in graph.components}
            never_cached |= rerunning.reached(request.again, after)
        prepare = functools.partial(launch.prepare, request.config.launcher)
        ObservedDagRunner(never_cached, at_first_work=prepare).run(graph)
    _serve(folder)


def look_at_cluster(folder: RunFolder, request: Request) -> None:
    """Refuses a cluster that cannot score, before hours of training. Does nothing if Beam scores.

    Raises:
      UserError: if there is no such cluster, or if one of its workers has other code or sees other folders.
    """
    settings = request.config.scoring
    if not settings.on_cluster:
        return
    events.emit("phase", what=f"looking at the cluster at {settings.address}")
    from limbeck.components.mapping.cluster import Needs, connected

    folder.artifacts.mkdir(parents=True, exist_ok=True)
    with connected(settings, Needs(request.task, str(folder.artifacts), ())):
        pass


def environment(folder: RunFolder, request: Request, processes: Processes | None = None) -> dict[str, str]:
    """Returns variables for the nodes of a local run, with settings that must not be in TFX's cache key.

    Args:
      folder: folder of the run.
      request: request of the run.
      processes: number of Beam's processes; None if its engine needs none.
    """
    return {
        **Operational.of(request.config, str(folder.checkpoints), str(folder.looks)).environment(),
        **request.config.beam.variables(processes),
        **reference.environment(request.task),
    }


def graph_of(folder: RunFolder, request: Request) -> Any:
    """Returns the pipeline of a request, for a local run in a process with the variables of `environment`."""
    from tfx.orchestration import metadata

    from limbeck import pipeline
    from limbeck.components.anomaly_stop import accepted

    storage = storage_of(folder, request)
    return pipeline.create_pipeline(
        request.config,
        request.task,
        storage,
        beam_flags=beam_flags(),
        generation=accepted.generation(storage.accepted) + request.accept_schema,
        metadata=metadata.sqlite_metadata_connection_config(str(folder.metadata)),
    )


def beam_flags() -> list[Any]:
    """Returns the names of the variables with Beam's flags. The flags themselves would be in the cache key."""
    from tfx.dsl.placeholder.placeholder import environment_variable

    return [environment_variable(name) for name in VARIABLES]


def storage_of(folder: RunFolder, request: Request) -> Storage:
    """Returns where the pipeline of a request keeps its files. Writes the task's own data if they are needed."""
    from limbeck.cli import raw_data
    from limbeck.components.graph.context import Storage
    from limbeck.digests.code import task_digests

    task = request.task.load()
    digest, unlabelled = task_digests(task, request.task).data, request.config.data.unlabelled
    return Storage(
        root=str(folder.artifacts),
        serving=str(folder.serving),
        data=raw_data.resolve(request.config.data.path, task, digest, folder.data),
        accepted=str(folder.accepted),
        unlabelled=None if unlabelled is None else raw_data.absolute(unlabelled),
    )


def _serve(folder: RunFolder) -> None:
    """Makes the student that passed the newest version, even if Pusher came from the cache.

    A cached Pusher does not check: its version may have been deleted since, or another student may have been pushed.
    """
    from limbeck.cli.local_run.collect import run_id
    from limbeck.cli.local_run.store import executions_of
    from limbeck.components.pusher.push import push

    for one in executions_of(folder.metadata, run_id(folder.events)):
        if one.node == "Pusher" and "pushed_destination" in one.outputs["pushed_model"].properties:
            push(Path(files.local_copy(one.outputs["pushed_model"].uri)), folder.serving)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
