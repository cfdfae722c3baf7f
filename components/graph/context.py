"""What the nodes of one pipeline are made from: settings, task, digests of its code, and places for results.

Each component's folder makes its own node, from a `Context` and the nodes before it. `pipeline.py` only says which
nodes come before it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from limbeck.components.properties.code import CodeRef
from limbeck.digests.code import TaskDigests, code_digest, task_digests
from limbeck.digests.dependencies import Project
from limbeck.reference import TaskRef
from limbeck.settings.config import Config
from limbeck.task import Task


@dataclasses.dataclass(frozen=True)
class Storage:
    """The places of everything that outlives a pipeline.

    Attributes:
      root: folder or URI of TFX's artifacts.
      serving: folder or URI where accepted students are pushed, as `<version>/`.
      data: folder or URI of the raw examples, with a folder for each split; with `data.split`, a file, folder or glob.
      accepted: folder or URI of the accepted schema and statistics, with which data are compared.
      unlabelled: file, folder or glob of further rows without a label; None if there are none.
    """

    root: str
    serving: str
    data: str
    accepted: str
    unlabelled: str | None = None


@dataclasses.dataclass(frozen=True)
class Context:
    """What a node is made from, in addition to the nodes before it.

    Attributes:
      config: the whole configuration; a node takes its own sections.
      ref: where the process that runs the node finds the task.
      task: the task itself.
      digests: digests of the parts of the task.
      storage: the places of results.
      project: our own sources, in one state for all nodes.
    """

    config: Config
    ref: TaskRef
    task: Task
    digests: TaskDigests
    storage: Storage
    project: Project = dataclasses.field(repr=False, compare=False)

    @classmethod
    def of(cls, config: Config, ref: TaskRef, storage: Storage, project: Project | None = None) -> Context:
        """Loads the task and returns the context; without a `project`, sources are read as they are now.

        Raises:
          TaskError: if the task cannot be loaded.
        """
        task = ref.load()
        return cls(config, ref, task, task_digests(task, ref), storage, project or Project())

    def code(self, roots: Iterable[str], part: str = "") -> CodeRef:
        """Returns the task, and a digest that changes when any code changes that a node runs.

        Args:
          roots: definitions of ours, as `limbeck.digests.code.code_digest` takes them.
          part: what else the node depends on: the digest of a part of the task.
        """
        return CodeRef(self.ref, self.code_digest(roots) + (f"-{part}" if part else ""))

    def code_digest(self, roots: Iterable[str]) -> str:
        """Returns the digest of `roots` alone."""
        return code_digest(roots, project=self.project)
