"""`launch(job, cluster)`: one door to every place where training processes can run.

A component must not know where its training runs, or each new place would change each component.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from launchers.cluster import Cluster
from launchers.local import LocalLauncher
from trainer.errors import ConfigError, nearest
from trainer.job import RankRecord, TrainingJob


class Launcher(Protocol):
    """A place where training processes run."""

    def launch(self, job: TrainingJob, cluster: Cluster) -> tuple[RankRecord, ...]:
        """Runs one job to its end. Returns and raises as `launch` of this module does."""


LAUNCHERS: Mapping[str, Launcher] = MappingProxyType({"local": LocalLauncher()})


def launch(job: TrainingJob, cluster: Cluster, place: str = "local") -> tuple[RankRecord, ...]:
    """Runs one training job to its end.

    Args:
      job: what to train. Its paths must be absolute: the processes have another working directory.
      cluster: the processes; as many as `job.strategy` says.
      place: a name in `LAUNCHERS`.

    Returns:
      What each process did, in the order of the ranks.

    Raises:
      ConfigError: where there is no such place.
      UserError: with the message of a process that failed by a mistake of the user.
      TrainingFailedError: where a process failed otherwise; names it, its exit code or signal, and
        its last lines.
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
    return LAUNCHERS[place].launch(job, cluster)
