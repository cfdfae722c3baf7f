"""Trains in processes of this machine.

A fork of the launching process would inherit its TensorFlow, its Beam and its threads, and would hang. So every process
starts with only the job file (`limbeck.launchers.local.forks` says what it may share). The first failure ends all
processes, because TensorFlow cannot go on without a peer, and would wait for it for ever. This module makes one
attempt; `limbeck.launchers.supervisor` decides on restarts.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Mapping, Sequence
from pathlib import Path

from limbeck import files, temporary
from limbeck.files import Visibility
from limbeck.launchers import records
from limbeck.launchers.cluster import Cluster, title
from limbeck.launchers.failure import Ending, Exit, error_of
from limbeck.launchers.heartbeat import Pulses
from limbeck.launchers.local import forks, gpus, ports
from limbeck.launchers.local.environment import LOOPBACK, environment
from limbeck.launchers.local.processes import WORKER, Process, end
from limbeck.launchers.staging import INPUTS, OUTPUTS, staged
from limbeck.launchers.watch import watch
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer.distribution.cluster import SINGLE, Addresses
from limbeck.trainer.job import TrainingJob

_RECOVERY = RecoveryConfig()


def from_settings(_settings: LauncherConfig) -> LocalLauncher:
    """Returns the launcher for the name `local`."""
    return LocalLauncher()


class LocalLauncher:
    """Runs every process of a job on this machine."""

    supervises = False

    def __init__(self, command: Sequence[str] = WORKER, settle: float = 1.0, grace: float = 10.0) -> None:
        """Takes how to start and end processes.

        Args:
          command: starts a process; the path of the job file is appended.
          settle: seconds to wait for a better explanation after the first death.
          grace: seconds that processes get to save if the launching process itself is asked to end. After a failure
            there is nothing to save, and all are killed at once.
        """
        self._command, self._settle, self._grace = tuple(command), settle, grace

    def prepare(self) -> None:
        """Begins to import TensorFlow for the training processes."""
        if self._command == WORKER:
            [inherited] = gpus.environments(os.environ, 1)
            forks.prepare(environment(inherited, SINGLE, None, failure="", beat="", scratch=""))

    def stage(self, job: TrainingJob) -> TrainingJob:
        """Stages a job as `limbeck.launchers.launch.Launcher` says. Processes can read all files of this machine."""
        return staged(job, Visibility.MACHINE, lambda _: str(temporary.folder_until_exit()))

    def launch(
        self, job: TrainingJob, cluster: Cluster, recovery: RecoveryConfig = _RECOVERY
    ) -> tuple[RankRecord, ...]:
        """Runs one attempt at a job as `limbeck.launchers.launch.Launcher` says."""
        _check(job)
        records.discard(job, cluster)
        inherited = gpus.environments(os.environ, len(cluster.tasks))
        with temporary.folder() as folder:
            self._run(job, cluster, folder, recovery.heartbeat_seconds, inherited)
        return records.read(job, cluster)

    def _run(
        self,
        job: TrainingJob,
        cluster: Cluster,
        folder: Path,
        heartbeat_seconds: float,
        inherited: Sequence[Mapping[str, str]],
    ) -> None:
        path = folder / "job.json"
        path.write_text(to_json(job), encoding="utf-8")
        failures = {task.rank: str(folder / f"failure-{task.rank}.json") for task in cluster.tasks}
        beats = {task.rank: str(folder / f"heartbeat-{task.rank}") for task in cluster.tasks}
        exits: queue.SimpleQueue[Exit] = queue.SimpleQueue()
        processes: list[Process] = []
        ending, grace = Ending((), {}), self._grace
        with ports.held(len(cluster.tasks)) as numbers:
            addresses = _addresses(numbers, cluster.servers)
            try:
                for task in cluster.tasks:
                    variables = environment(
                        inherited[task.rank],
                        task,
                        addresses,
                        failure=failures[task.rank],
                        beat=beats[task.rank],
                        scratch=str(folder),
                        served=cluster.served,
                    )
                    processes.append(
                        Process(
                            task.rank,
                            title(job, task),
                            command=[*self._command, str(path)],
                            environment=variables,
                            folder=folder,
                            exits=exits,
                        )
                    )
                ending = watch(
                    exits,
                    failures,
                    Pulses(beats, heartbeat_seconds),
                    self._settle,
                    serving=cluster.endless,
                    expendable=cluster.expendable,
                )
                grace = 0.0
            finally:
                end(processes, grace)
        if ending.failed or ending.silent:
            raise error_of(ending, processes, failures)


def _addresses(numbers: Sequence[int], servers: int) -> Addresses | None:
    chief, *others = (f"{LOOPBACK}:{number}" for number in numbers)
    workers = len(others) - servers
    return Addresses(chief, tuple(others[:workers]), tuple(others[workers:])) if others else None


def _check(job: TrainingJob) -> None:
    for uri in filter(None, (getattr(job, name) for name in (*INPUTS, *OUTPUTS, "checkpoint_uri"))):
        if files.visibility(uri) is Visibility.PROCESS:
            raise ValueError(f"only this process can read {uri}: pass the job that `stage` returned")
        if "://" not in uri and not uri.startswith("/"):
            raise ValueError(
                f"a job's paths must be absolute, because its processes run in another folder; received {uri!r}"
            )
