"""`Cluster`: how many processes of each role a training job gets."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer.distribution.cluster import ClusterTask, cluster_task
from limbeck.trainer.job import TrainingJob


@dataclass(frozen=True, config=STRICT)
class Cluster:
    """One chief and `workers` workers. All of them train."""

    workers: NotNegative = 0

    @classmethod
    def of(cls, strategy: StrategyConfig) -> Cluster:
        """Returns the cluster that a strategy needs."""
        return cls(workers=strategy.processes - 1)

    @property
    def tasks(self) -> tuple[ClusterTask, ...]:
        """Every process, in the order of the ranks."""
        processes = 1 + self.workers
        return tuple(cluster_task(rank, processes) for rank in range(processes))


def title(job: TrainingJob, task: ClusterTask) -> str:
    """Returns the name of a process in messages: `teacher chief`, `student worker 0`."""
    return f"{job.entry} {task.role}" + ("" if task.is_chief else f" {task.index}")
