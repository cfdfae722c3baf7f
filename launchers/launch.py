"""`launch(job, cluster)`: one door to every place where training processes can run.

A component must not know where its training runs, or each new place would change each component.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from launchers.cluster import Cluster
from launchers.local.launcher import LocalLauncher
from launchers.supervisor import Supervised, supervise
from limbeck.errors import ConfigError, nearest
from limbeck.rank_record import RankRecord
from limbeck.settings.recovery import RecoveryConfig
from trainer.job import TrainingJob


class Launcher(Protocol):
    """A place where training processes run."""

    def launch(self, job: TrainingJob, cluster: Cluster, heartbeat_seconds: float) -> tuple[RankRecord, ...]:
        """Runs one attempt at a job; whatever ends it, none of its processes is left.

        Args:
          job: as `launch` of this module takes it.
          cluster: likewise.
          heartbeat_seconds: a process that gives no sign of life for so long is killed.

        Returns:
          What each process did, in the order of the ranks.

        Raises:
          UserError: with the message of a process that failed by a mistake of the user.
          TrainingBrokeDownError: with the message of a process in which training broke down.
          AttemptPreemptedError: where a process was asked to end, and nothing else happened.
          AttemptFailedError: where a process failed otherwise.
        """


LAUNCHERS: Mapping[str, Launcher] = MappingProxyType({"local": LocalLauncher()})

_RECOVERY = RecoveryConfig()


def launch(
    job: TrainingJob, cluster: Cluster, place: str = "local", recovery: RecoveryConfig = _RECOVERY
) -> Supervised[tuple[RankRecord, ...]]:
    """Runs one training job to its end, starting it again where that may help.

    Args:
      job: what to train. Its paths must be absolute: the processes have another working directory.
      cluster: the processes; as many as `job.strategy` says.
      place: a name in `LAUNCHERS`.
      recovery: how many failures are borne, and when a process counts as hung.

    Returns:
      What each process of the last attempt did, in the order of the ranks, and how many were before it.

    Raises:
      ConfigError: where there is no such place.
      UserError: with the message of a process that failed by a mistake of the user.
      TrainingFailedError: where training broke down, or a process failed once more than `recovery`
        allows; names it, its exit code or signal, its last lines and the restarts.
    """
    if place not in LAUNCHERS:
        raise ConfigError(
            f"there is no place '{place}' to train at.{nearest(place, LAUNCHERS)} Known: {', '.join(LAUNCHERS)}"
        )
    if len(cluster.tasks) != job.strategy.processes:
        raise ValueError(
            f"the job's strategy needs {job.strategy.processes} processes, "
            f"the cluster has {len(cluster.tasks)}: make it with Cluster.of(job.strategy)"
        )
    launcher = LAUNCHERS[place]
    return supervise(lambda: launcher.launch(job, cluster, recovery.heartbeat_seconds), recovery)
