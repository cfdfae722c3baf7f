"""`launch(job, cluster)`: one door to every way in which training processes can be run.

A component must not know where its training runs, or each new launcher would change each component.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from launchers import staging
from launchers.cluster import Cluster
from launchers.supervisor import Supervised, supervise, unwinding_on_sigterm
from limbeck.rank_record import RankRecord
from limbeck.settings.launcher import LAUNCHERS, LauncherConfig
from limbeck.settings.recovery import RecoveryConfig
from trainer.job import TrainingJob


class Launcher(Protocol):
    """Runs the processes of training jobs: on this machine, in a cluster, as a service.

    A launcher is a module below `launchers/`, and a line in `limbeck.settings.launcher.LAUNCHERS`.
    """

    @property
    def supervises(self) -> bool:
        """Whether it starts a job again by itself, within the budget that `launch` is given."""

    def stage(self, job: TrainingJob) -> TrainingJob:
        """Gives a job URIs that its processes can read and write; see `launchers.staging`.

        What differs from the job afterwards is a copy: outputs are fetched from there, and all copies are removed.

        Raises:
          ConfigError: where a URI can neither be used by the processes nor be copied.
        """

    def launch(self, job: TrainingJob, cluster: Cluster, recovery: RecoveryConfig) -> tuple[RankRecord, ...]:
        """Runs one attempt at a job, or all where it supervises; whatever ends it, none of its processes is left.

        Args:
          job: as `stage` returned it.
          cluster: as `launch` of this module takes it.
          recovery: a process that gives no sign of life for `heartbeat_seconds` is killed. The rest is for a launcher
            that supervises.

        Returns:
          What each process did, in the order of the ranks.

        Raises:
          UserError: with the message of a process that failed by a mistake of the user.
          TrainingBrokeDownError: with the message of a process in which training broke down.
          AttemptPreemptedError: where a process was asked to end, and nothing else happened.
          AttemptFailedError: where a process failed otherwise.
        """


_LAUNCHER, _RECOVERY = LauncherConfig(), RecoveryConfig()


def launch(
    job: TrainingJob, cluster: Cluster, launcher: LauncherConfig = _LAUNCHER, recovery: RecoveryConfig = _RECOVERY
) -> Supervised[tuple[RankRecord, ...]]:
    """Runs one training job to its end, starting it again where that may help.

    Args:
      job: what to train. Its paths must be absolute: the processes have another working directory. Its URIs need only
        be readable by this process: the launcher stages what its processes cannot read.
      cluster: the processes; as many as `job.strategy` says.
      launcher: how they are run.
      recovery: how many failures are borne, and when a process counts as hung.

    Returns:
      What each process of the last attempt did, in the order of the ranks, and how many were before it; none, where
      the launcher itself started processes again.

    Raises:
      UserError: with the message of a process that failed by a mistake of the user.
      TrainingFailedError: where training broke down, or a process failed once more than `recovery`
        allows; names it, its exit code or signal, its last lines and the restarts.
    """
    if len(cluster.tasks) != job.strategy.processes:
        raise ValueError(
            f"the job's strategy needs {job.strategy.processes} processes, "
            f"the cluster has {len(cluster.tasks)}: make it with Cluster.of(job.strategy)"
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
    """Imports and makes the launcher that the settings name."""
    module, _, function = LAUNCHERS[settings.name].partition(":")
    return cast("Launcher", getattr(importlib.import_module(module), function)(settings))
