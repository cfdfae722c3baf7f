"""What the parts of a training process share."""

from __future__ import annotations

import dataclasses

from limbeck.aliases import Strategy, TransformOutput
from limbeck.task import Task
from trainer.distribution.cluster import ClusterTask
from trainer.job import TrainingJob


@dataclasses.dataclass(frozen=True)
class Session:
    """One process of a job, once it has joined the others.

    Attributes:
      job: what is trained.
      me: this process.
      strategy: that all members are trained under.
      task: of the job, loaded.
      transform: the transform graph, for the specs of the examples and for the export.
    """

    job: TrainingJob
    me: ClusterTask
    strategy: Strategy
    task: Task
    transform: TransformOutput
