"""Runs jobs in parallel, each on its own core.

By default a job gets all cores of the machine. Two small trainings that share two cores take longer than one on each
core, because every step moves between threads. The launcher gives a job the cores that the launching thread may run on.
So each of these threads is pinned to one core.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from limbeck.launchers.local.environment import cores

Item = TypeVar("Item")
Done = TypeVar("Done")


def one_a_core(items: Iterable[Item], work: Callable[[Item], Done], finish: Callable[[Done], None]) -> None:
    """Calls `work` for each item, with one thread for each core, and `finish` in this thread for each result.

    After an exception, no further item is started. Those that are running are waited for.
    """
    free: queue.SimpleQueue[int] = queue.SimpleQueue()
    for core in os.sched_getaffinity(0):
        free.put(core)
    # These threads outlive the processes that they start, as `limbeck.trainer.process.lifeline` requires.
    pool = ThreadPoolExecutor(cores(), initializer=lambda: os.sched_setaffinity(0, {free.get()}))
    try:
        for future in as_completed([pool.submit(work, item) for item in items]):
            finish(future.result())
    finally:
        pool.shutdown(cancel_futures=True)
