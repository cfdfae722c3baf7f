"""Collects how many bytes of files each worker of a step has read and written, in the process of the step.

A worker is a process of Beam, Dask or Spark, perhaps on another machine. It counts the bytes that it moves, and sends
the count back with its results. The ledger of this process keeps the counts until the code that runs the steps takes
them.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterable

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class Moved:
    """What one worker moved in one step.

    Attributes:
      worker: machine and process id of the worker, such as `node-3:4711`.
      read: bytes that it read of files.
      written: bytes that it wrote to files.
    """

    worker: str
    read: int = 0
    written: int = 0


def this_process() -> str:
    """Returns the name of this process as a worker."""
    return f"{platform.node()}:{os.getpid()}"


def summed(counts: Iterable[Moved]) -> tuple[Moved, ...]:
    """Returns the sum for each worker, in the order of their names."""
    found: dict[str, Moved] = {}
    for one in counts:
        before = found.get(one.worker, Moved(one.worker))
        found[one.worker] = Moved(one.worker, before.read + one.read, before.written + one.written)
    return tuple(found[name] for name in sorted(found))


class Ledger:
    """The counts that have not been taken yet. Several threads may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: list[Moved] = []

    def add(self, counts: Iterable[Moved]) -> None:
        """Adds some counts."""
        with self._lock:
            self._counts.extend(counts)

    def take(self) -> tuple[Moved, ...]:
        """Returns the sum for each worker, in the order of their names, and forgets them."""
        with self._lock:
            counts, self._counts = self._counts, []
        return summed(counts)


LEDGER = Ledger()
