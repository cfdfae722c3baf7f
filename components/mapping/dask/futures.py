"""Calls on a Dask cluster, and the wait for their results.

Dask waits for ever if all workers are gone. So the waiting here checks the cluster from time to time.
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

# Of a call that failed on a living worker: its disk may have been away for a moment. A death is counted by Dask itself.
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
        """How many threads the workers have that are there now; at least 1."""
        workers = self._client.scheduler_info()["workers"].values()
        return max(1, sum(int(each["nthreads"]) for each in workers))

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Returns `function(item)` of each item, in the order of the items. Raises UserError as `Cluster` says."""
        # Dask takes no work any more if the scheduler was away for some seconds.
        self._assert_connected()
        # A name of its own: the cluster keeps no result of another job for it.
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
            # What is done is kept by nobody else; what is not, nobody waits for any more.
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
        """Returns a result; None if its worker died after it, and it is computed again."""
        from distributed import TimeoutError as TooLateError
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        try:
            return future.result(timeout=_FETCH_SECONDS)
        except TooLateError:
            # Of the same type as a wait that took too long elsewhere, in the function itself.
            if future.status == "error":
                raise
            return None
        except FutureCancelledError:
            raise lost(self._settings) from None
        except OSError:
            # The scheduler went while it gave the result; later, Dask cancels what waits for it.
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
    """Returns what to raise when the scheduler is gone."""
    return UserError(
        f"the connection to the Dask scheduler at scoring.address={settings.address} was lost: see whether it still "
        "runs, and start again"
    )
