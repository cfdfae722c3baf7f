"""What the nodes of one pipeline are made from: settings, task, digests of its code, and where results are kept.

Each component's folder makes its own node, from a `Context` and the nodes before it; `pipeline.py` says which those
are, and nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from components.properties.code import CodeRef
from limbeck.digests.code import TaskDigests, digest, task_digests
from limbeck.reference import TaskRef
from limbeck.settings.config import Config
from limbeck.task import Task


@dataclasses.dataclass(frozen=True)
class Storage:
    """Where a pipeline reads and keeps what outlives it.

    Attributes:
      root: folder or URI of TFX's artifacts.
      serving: folder or URI that passed students are pushed to, as `<version>/`.
      data: folder or URI of the raw examples, with a folder for each split.
      accepted: folder or URI of the accepted schema and statistics, which data are held against.
    """

    root: str
    serving: str
    data: str
    accepted: str


@dataclasses.dataclass(frozen=True)
class Context:
    """What a node is made from, besides the nodes before it.

    Attributes:
      config: the whole configuration; a node takes its sections of it.
      ref: where the task is found by whoever runs the node.
      task: the task itself.
      digests: of the task's parts.
      storage: where results are kept.
    """

    config: Config
    ref: TaskRef
    task: Task
    digests: TaskDigests
    storage: Storage

    @classmethod
    def of(cls, config: Config, ref: TaskRef, storage: Storage) -> Context:
        """Loads the task. Raises TaskError where that fails."""
        task = ref.load()
        return cls(config, ref, task, task_digests(task, ref), storage)

    def code(self, roots: Iterable[str], part: str = "") -> CodeRef:
        """The task, and a digest that changes with whatever a node runs.

        Args:
          roots: definitions of ours, as `limbeck.digests.code.digest` takes them.
          part: what else the node depends on: the digest of a part of the task.
        """
        return CodeRef(self.ref, digest(roots) + (f"-{part}" if part else ""))
