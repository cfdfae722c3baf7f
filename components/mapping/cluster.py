"""The interface of a cluster: it calls one function for each of many items, and returns the results.

The function writes one file, or returns a small value. It depends on its item alone. So a worker that dies costs only
time: the cluster calls the function again on another worker, and the result is the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar, cast

from limbeck.components.mapping import seal
from limbeck.reference import TaskRef
from limbeck.settings.scoring import CLUSTERS, ScoringConfig

Item = TypeVar("Item")
Result = TypeVar("Result")


class Cluster(Protocol):
    """A connection to workers."""

    @property
    def room(self) -> int:
        """The number of calls that run at the same time, as far as is known now; at least 1."""

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Returns `function(item)` of each item, in the order of the items.

        Args:
          function: a function of a module, or a partial of one. A worker may call it twice for an item.
          items: values that can be pickled.

        Raises:
          UserError: if the function raised one, if a worker must not work for this process, or if the cluster lost its
            scheduler or all of its workers.
        """


class Connection(Protocol):
    """Connects to one kind of cluster."""

    def __call__(self, settings: ScoringConfig, wanted: str) -> contextlib.AbstractContextManager[Cluster]:
        """Returns a context manager of a cluster. Every worker has been checked.

        Args:
          settings: the section `scoring`.
          wanted: what a worker must be and see, as `limbeck.components.mapping.worker.look` takes it.

        Raises:
          UserError: if there is no such cluster, or if a worker must not work for this process.
        """


@dataclasses.dataclass(frozen=True)
class Needs:
    """What a job needs of its workers.

    Attributes:
      task: the task, which workers import.
      folder: existing folder or URI into which workers write.
      readable: paths or URIs of files that workers read.
    """

    task: TaskRef
    folder: str
    readable: tuple[str, ...]


@contextlib.contextmanager
def connected(settings: ScoringConfig, needs: Needs) -> Iterator[Cluster]:
    """Connects to the cluster that the settings name. Refuses workers with other code or other files.

    Raises:
      UserError: if there is no such cluster, or if a worker must not work for this process.
    """
    module, _, function = CLUSTERS[settings.engine].connection.partition(":")
    connect = cast("Connection", getattr(importlib.import_module(module), function))
    with seal.sealed(needs.folder) as place:
        wanted = seal.wanted(needs.task, place, needs.readable)
        with connect(settings, wanted) as cluster:
            yield cluster
