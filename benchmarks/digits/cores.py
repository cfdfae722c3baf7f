"""Jobs side by side, each on a core of its own.

A job is given all cores of the machine by default, and two small trainings that share two cores take longer than one
on each: every step is handed from thread to thread. The launcher gives a job the cores that the thread which launches
it may run on, so each of these threads is pinned to one.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from launchers.local.environment import cores

Item = TypeVar("Item")
Done = TypeVar("Done")


def one_a_core(items: Iterable[Item], work: Callable[[Item], Done], finish: Callable[[Done], None]) -> None:
    """Calls `work` for each item, in one thread a core, and `finish` in this thread for each thing it returns.

    After an exception no further item is begun; those at work are waited for.
    """
    free: queue.SimpleQueue[int] = queue.SimpleQueue()
    for core in os.sched_getaffinity(0):
        free.put(core)
    # These threads outlive the processes that they start, as `trainer.process.lifeline` asks.
    pool = ThreadPoolExecutor(cores(), initializer=lambda: os.sched_setaffinity(0, {free.get()}))
    try:
        for future in as_completed([pool.submit(work, item) for item in items]):
            finish(future.result())
    finally:
        pool.shutdown(cancel_futures=True)
