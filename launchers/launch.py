"""`launch(job, cluster)`: the one function that runs a training job, whatever the launcher.

A component must not know where its training runs. Otherwise each new launcher would change each component.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast, runtime_checkable

from limbeck.launchers import staging
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.supervisor import Supervised, supervise, unwinding_on_sigterm
from limbeck.rank_record import RankRecord
from limbeck.settings.launcher import LAUNCHERS, LauncherConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer.job import TrainingJob


class Launcher(Protocol):
    """Runs the processes of training jobs: on this machine, in a cluster, or as a service.

    A launcher is a package below `launchers/`, and a line in `limbeck.settings.launcher.LAUNCHERS`.
    """

    @property
    def supervises(self) -> bool:
        """Whether it restarts a failed job by itself, as often as `recovery` allows."""

    def stage(self, job: TrainingJob) -> TrainingJob:
        """Gives a job URIs that its processes can read and write; see `limbeck.launchers.staging`.

        Each URI that differs from the job's is a copy. Outputs are fetched from there, and all copies are removed.

        Raises:
          ConfigError: if the processes cannot use a URI, and it cannot be copied.
        """

    def launch(self, job: TrainingJob, cluster: Cluster, recovery: RecoveryConfig) -> tuple[RankRecord, ...]:
        """Runs one attempt at a job, or all attempts if it supervises. It always leaves no process behind.

        Args:
          job: the job that `stage` returned.
          cluster: the processes, as for the function `launch` of this module.
          recovery: a process that gives no sign of life for `heartbeat_seconds` is killed. The other settings are for a
            launcher that supervises.

        Returns:
          What each process did, in the order of the ranks.

        Raises:
          UserError: if a process failed by a mistake of the user; with that process's message.
          TrainingBrokeDownError: if training broke down in a process; with that process's message.
          AttemptPreemptedError: if a process was asked to end, and nothing else happened.
          AttemptFailedError: if a process failed for another reason.
        """


@runtime_checkable
class Preparing(Protocol):
    """A launcher that can start slow preparations before its first job."""

    def prepare(self) -> None:
        """Begins the preparations, and returns at once."""


_LAUNCHER, _RECOVERY = LauncherConfig(), RecoveryConfig()


def prepare(settings: LauncherConfig) -> None:
    """Begins the preparations for the first job. Call it as soon as it is known that there will be a job."""
    launcher = make(settings)
    if isinstance(launcher, Preparing):
        launcher.prepare()


def launch(
    job: TrainingJob, cluster: Cluster, launcher: LauncherConfig = _LAUNCHER, recovery: RecoveryConfig = _RECOVERY
) -> Supervised[tuple[RankRecord, ...]]:
    """Runs one training job to its end, and restarts it if that may help.

    Args:
      job: what to train. Its paths must be absolute, because the processes have another working directory. Only this
        process must be able to read its URIs: the launcher stages what its processes cannot read.
      cluster: the processes; as many as the job needs.
      launcher: how the processes are run.
      recovery: how many failures are accepted, and when a process counts as hung.

    Returns:
      What each process of the last attempt did, in the order of the ranks, and how many attempts failed before. That
      number is 0 if the launcher supervises.

    Raises:
      UserError: if a process failed by a mistake of the user; with that process's message.
      TrainingFailedError: if training broke down, or if a process failed once more than `recovery` allows. The message
        names the process, its exit code or signal, its last lines and the number of restarts.
    """
    if len(cluster.tasks) != job.processes:
        raise ValueError(
            f"the job needs {job.processes} processes, "
            f"the cluster has {len(cluster.tasks)}: make it with Cluster.of(job.strategy, job.pipelining)"
        )
    chosen = make(launcher)
    with unwinding_on_sigterm():
        staged = chosen.stage(job)
        try:
            done = supervise(lambda: chosen.launch(staged, cluster, recovery), recovery, once=chosen.supervises)
            staging.fetch(staged, job)
        finally:
            staging.discard(staged, job)
    return done


def make(settings: LauncherConfig) -> Launcher:
    """Imports the launcher that the settings name, and makes it."""
    module, _, function = LAUNCHERS[settings.name].partition(":")
    return cast("Launcher", getattr(importlib.import_module(module), function)(settings))
