"""What the parts of a training process share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from limbeck.aliases import KerasModel, Strategy, TransformOutput
from limbeck.task import Task
from trainer.distribution.cluster import ClusterTask
from trainer.fitting.gradient_step import Loss
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
      loss: of the job.
      label_key: the transformed feature that the job takes its labels from.
      checked: returns a model that keeps the contract of a task's builder; raises TaskError for any other.
    """

    job: TrainingJob
    me: ClusterTask
    strategy: Strategy
    task: Task
    transform: TransformOutput
    loss: Loss
    label_key: str
    checked: Callable[[KerasModel], KerasModel]
