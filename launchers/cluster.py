"""`Cluster`: how many processes of each role a training job gets."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer.distribution.cluster import WORKER, ClusterTask, cluster_task
from limbeck.trainer.job import TrainingJob

_ONE_STAGE = PipeliningConfig()


@dataclass(frozen=True, config=STRICT)
class Cluster:
    """One chief and `workers` workers. All of them train, unless there are servers or stages.

    With `servers`, which keep variables, only the chief runs the training, and the others run its operations. The same
    is true if the processes are the `stages` of the replicas of one model: the chief has the first stage, and the
    workers have the others.
    """

    workers: NotNegative = 0
    servers: NotNegative = 0
    stages: bool = False

    @classmethod
    def of(cls, strategy: StrategyConfig, pipelining: PipeliningConfig = _ONE_STAGE) -> Cluster:
        """Returns the cluster that a strategy needs, or the stages of a model."""
        if pipelining.processes > 1:
            return cls(workers=pipelining.processes - 1, stages=True)
        return cls(workers=strategy.processes - 1 - strategy.servers, servers=strategy.servers)

    @property
    def tasks(self) -> tuple[ClusterTask, ...]:
        """Every process, in the order of the ranks."""
        processes = 1 + self.workers + self.servers
        return tuple(cluster_task(rank, processes, self.servers) for rank in range(processes))

    @property
    def training(self) -> tuple[ClusterTask, ...]:
        """The processes that run the training, end by themselves and leave a record."""
        return self.tasks[:1] if self.served else self.tasks

    @property
    def served(self) -> bool:
        """Whether only the chief runs the training, and the others run its operations."""
        return self.stages or self.servers > 0

    @property
    def endless(self) -> frozenset[int]:
        """The ranks that never end by themselves. Stages are not among them: they end when the chief is done."""
        return frozenset(task.rank for task in self.tasks[1:] if self.servers)

    @property
    def expendable(self) -> frozenset[int]:
        """The ranks that the job can lose, as long as one of them lives."""
        return frozenset(task.rank for task in self.tasks if task.role == WORKER and self.servers)


def title(job: TrainingJob, task: ClusterTask) -> str:
    """Returns the name of a process in messages: `teacher chief`, `student worker 0`, `teacher worker 0 (stage 1)`."""
    stage = f" ({job.pipelining.place(task.rank)})" if job.pipelining.processes > 1 else ""
    return f"{job.entry} {task.role}" + ("" if task.is_chief else f" {task.index}") + stage
