"""Calls on a Dask cluster, and the wait for their results.

Dask waits for ever if all workers are gone. So while it waits, this module checks the cluster from time to time.
"""

from __future__ import annotations

import logging
import queue
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from limbeck.components.mapping import worker
from limbeck.components.mapping.cluster import Item, Result
from limbeck.errors import UserError
from limbeck.settings.scoring import ScoringConfig

# How often a call that failed on a living worker is repeated: its disk may have been unavailable for a moment. Dask
# counts the deaths of workers separately.
_RETRIES = 2
_LOOK_SECONDS = 1.0
_FETCH_SECONDS = 60.0
_logger = logging.getLogger(__name__)


class DaskCluster:
    """Implements `limbeck.components.mapping.cluster.Cluster`."""

    def __init__(self, client: Any, settings: ScoringConfig, wanted: str) -> None:
        """Takes a `distributed.Client`, the section `scoring`, and what each worker must be."""
        self._client = client
        self._settings = settings
        self._wanted = wanted
        self._alone_since: float | None = None

    @property
    def room(self) -> int:
        """The number of threads of all workers that are connected now; at least 1."""
        workers = self._client.scheduler_info()["workers"].values()
        return max(1, sum(int(each["nthreads"]) for each in workers))

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Returns `function(item)` of each item, in the order of the items. Raises UserError as `Cluster` says."""
        # Dask takes no work any more if the scheduler was away for some seconds.
        self._assert_connected()
        # The keys are unique, so that the cluster does not return the result of another job.
        job = f"limbeck-{uuid.uuid4().hex}"
        futures = [
            self._client.submit(
                worker.call,
                self._wanted,
                worker.packed(function, item),
                key=f"{job}-{number}",
                pure=False,
                retries=_RETRIES,
            )
            for number, item in enumerate(items)
        ]
        try:
            return self._results(futures, items)
        finally:
            # Frees finished results on the workers, and cancels calls whose results nobody needs any more.
            if self._client.status == "running":
                self._client.cancel(futures, force=True)

    def _results(self, futures: Sequence[Any], items: Sequence[Any]) -> list[Any]:
        finished: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number, future in enumerate(futures):
            future.add_done_callback(lambda _, number=number: finished.put(number))
        results: dict[int, Any] = {}
        while len(results) < len(futures):
            try:
                number = finished.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                self._assert_alive()
                continue
            fetched = self._fetched(futures[number], items[number])
            if fetched is None:
                finished.put(number)
                self._assert_alive()
                continue
            results[number] = worker.result_of(fetched)
            _logger.info("%d of %d done: %s", len(results), len(futures), items[number])
        return [results[number] for number in range(len(futures))]

    def _fetched(self, future: Any, item: Any) -> worker.Returned | worker.Refused | None:
        """Returns a result; None if the worker died after computing it, so that Dask computes it again."""
        from distributed import TimeoutError as TooLateError
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        try:
            return future.result(timeout=_FETCH_SECONDS)
        except TooLateError:
            # The function itself may have raised a TimeoutError of the same type.
            if future.status == "error":
                raise
            return None
        except FutureCancelledError:
            raise lost(self._settings) from None
        except OSError:
            # The scheduler ended while it sent the result. If it ends later, Dask cancels the futures instead.
            if future.status == "error":
                raise
            raise lost(self._settings) from None
        except KilledWorker as error:
            raise UserError(
                f"{error.allowed_failures + 1} workers of the Dask cluster died one after the other while they worked "
                f"on {item}; the last was {error.last_worker.address}: look into their logs. Often the memory of a "
                "worker is too small"
            ) from None

    def _assert_alive(self) -> None:
        """Raises UserError if the scheduler is gone, or if there has been no worker for too long."""
        self._assert_connected()
        if self._client.scheduler_info()["workers"]:
            self._alone_since = None
            return
        self._alone_since = self._alone_since or time.monotonic()
        if time.monotonic() - self._alone_since > self._settings.start_seconds:
            raise UserError(
                f"the Dask cluster at scoring.address={self._settings.address} has lost all its workers, and none came "
                f"within {self._settings.start_seconds:g} s: start them again, or raise scoring.start_seconds"
            )

    def _assert_connected(self) -> None:
        if self._client.status != "running":
            raise lost(self._settings)


def lost(settings: ScoringConfig) -> UserError:
    """Returns the error to raise if the scheduler is gone."""
    return UserError(
        f"the connection to the Dask scheduler at scoring.address={settings.address} was lost: see whether it still "
        "runs, and start again"
    )
