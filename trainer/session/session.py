"""The data that all parts of a training process share: the job, the role of this process, the strategy, the task.

Each function of `limbeck.trainer.session` needs most of them. So one frozen object is passed on, instead of five
arguments or a global variable.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from limbeck.aliases import Strategy, TransformOutput
from limbeck.task import Task
from limbeck.trainer.distribution.cluster import ClusterTask
from limbeck.trainer.job import TrainingJob


@dataclasses.dataclass(frozen=True)
class Session:
    """One process of a job, once it has joined the others.

    Attributes:
      job: what is trained.
      me: the role and rank of this process.
      strategy: the strategy under which all members are trained.
      task: the task of the job, loaded.
      transform: the transform graph. It holds the specs of the examples, and is exported with the model.
      trial: name of this training if it is one of several of the student, such as `trial 2/8` or `generation 2/3`;
        otherwise None.
      predecessor: the weights of the student that is the only teacher of this training; None: the job's teachers are.
    """

    job: TrainingJob
    me: ClusterTask
    strategy: Strategy
    task: Task
    transform: TransformOutput
    trial: str | None = None
    predecessor: Sequence[Any] | None = None

    @property
    def who(self) -> str:
        """The model of the job, in words for a message."""
        return f"the {self.job.entry} of task '{self.task.name}'"
