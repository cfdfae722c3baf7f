"""Trains in processes of this machine, each a fresh interpreter.

A fork of the launching process would inherit its TensorFlow, its Beam and its threads, and lock up;
so every process is started anew from the job file. The first failure ends all: TensorFlow cannot go
on without a peer, and a process that waits for one waits for ever. Whether all are then started again
is decided elsewhere (`launchers.supervisor`): here is one attempt.
"""

from __future__ import annotations

import os
import queue
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from launchers.cluster import Cluster
from launchers.failure import Ending, Exit, error_of
from launchers.local import ports
from launchers.local.environment import LOOPBACK, environment
from launchers.local.heartbeat import Pulses
from launchers.local.processes import Process, end
from launchers.local.watch import watch
from limbeck.errors import ConfigError, TrainingFailedError
from limbeck.rank_record import RankRecord
from limbeck.records import from_json, to_json
from limbeck.settings.recovery import RecoveryConfig
from trainer.distribution.cluster import Addresses, ClusterTask
from trainer.job import TrainingJob

_HEARTBEAT_SECONDS = RecoveryConfig().heartbeat_seconds
WORKER = (sys.executable, "-m", "trainer.worker")


class LocalLauncher:
    """Runs every process of a job on this machine."""

    def __init__(self, command: Sequence[str] = WORKER, settle: float = 1.0, grace: float = 10.0) -> None:
        """Keeps how to start and end processes.

        Args:
          command: starts a process; the path of the job file is added.
          settle: seconds after a first death in which a better explanation may come.
          grace: seconds that processes are given to save, where the launching process is itself asked to end.
            After a failure there is nothing to save, and all are killed at once.
        """
        self._command, self._settle, self._grace = tuple(command), settle, grace

    def launch(
        self, job: TrainingJob, cluster: Cluster, heartbeat_seconds: float = _HEARTBEAT_SECONDS
    ) -> tuple[RankRecord, ...]:
        """Runs one attempt at a job, as `launchers.launch.Launcher` says."""
        _check(job)
        for task in cluster.tasks:
            # What an earlier attempt left must not pass for the record of this one.
            _record_path(job, task).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="limbeck-") as folder:
            self._run(job, cluster, Path(folder), heartbeat_seconds)
        return tuple(_read_record(job, task) for task in cluster.tasks)

    def _run(self, job: TrainingJob, cluster: Cluster, folder: Path, heartbeat_seconds: float) -> None:
        path = folder / "job.json"
        path.write_text(to_json(job), encoding="utf-8")
        failures = {task.rank: folder / f"failure-{task.rank}.json" for task in cluster.tasks}
        beats = {task.rank: folder / f"heartbeat-{task.rank}" for task in cluster.tasks}
        exits: queue.SimpleQueue[Exit] = queue.SimpleQueue()
        processes: list[Process] = []
        ending, grace = Ending((), {}), self._grace
        with ports.held(len(cluster.tasks)) as numbers:
            addresses = _addresses(numbers)
            try:
                for task in cluster.tasks:
                    variables = environment(os.environ, task, addresses, failures[task.rank], beats[task.rank])
                    processes.append(
                        Process(
                            task.rank,
                            _title(job, task),
                            command=[*self._command, str(path)],
                            environment=variables,
                            folder=folder,
                            exits=exits,
                        )
                    )
                ending = watch(exits, failures, Pulses(beats, heartbeat_seconds), self._settle)
                grace = 0.0
            finally:
                end(processes, grace)
        if ending.failed or ending.silent:
            raise error_of(ending, processes, failures)


def _addresses(numbers: Sequence[int]) -> Addresses | None:
    chief, *workers = (f"{LOOPBACK}:{number}" for number in numbers)
    return Addresses(chief, tuple(workers)) if workers else None


def _title(job: TrainingJob, task: ClusterTask) -> str:
    return f"{job.entry} {task.role}" + ("" if task.is_chief else f" {task.index}")


def _check(job: TrainingJob) -> None:
    uris = (job.examples_uri, job.transform_graph_uri, job.model_uri, job.record_uri)
    for uri in uris:
        if "://" not in uri and not Path(uri).is_absolute():
            raise ValueError(
                f"a job's paths must be absolute, because its processes run in another folder; received {uri!r}"
            )
    if "://" in job.record_uri:
        raise ValueError(f"records are read from a local folder, received {job.record_uri!r}")


def _record_path(job: TrainingJob, task: ClusterTask) -> Path:
    return Path(job.record_uri) / f"rank-{task.rank}.json"


def _read_record(job: TrainingJob, task: ClusterTask) -> RankRecord:
    path = _record_path(job, task)
    try:
        return from_json(RankRecord, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise TrainingFailedError(
            f"{_title(job, task)} ended with exit code 0, but left no readable record: {path}: {error}"
        ) from None
