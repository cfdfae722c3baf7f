"""What becomes of a call on a Dask cluster that raised something else than a mistake of the user."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from distributed import Client

from limbeck.components.mapping import worker
from limbeck.components.mapping.dask.futures import DaskCluster
from limbeck.settings.scoring import ScoringConfig


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[DaskCluster]:
    """A cluster in this process, whose variables stay as they are."""
    monkeypatch.setattr(worker, "what_is_wrong", lambda _: "")
    monkeypatch.setattr(worker.gpus, "hidden", dict)
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        yield DaskCluster(client, ScoringConfig(engine="dask", address="tcp://here:1"), "")


def slow(error: str) -> None:
    raise {"asyncio": asyncio.TimeoutError, "socket": TimeoutError}[error]("the storage did not answer")


@pytest.mark.parametrize("error", ["asyncio", "socket"])
def test_a_function_that_waited_too_long_for_something_ends_the_job(cluster: DaskCluster, error: str):
    """Dask has the same type for a result that is not there yet, so the job asked for it again and again, for ever."""
    with pytest.raises((asyncio.TimeoutError, TimeoutError), match="the storage did not answer"):
        cluster.map(slow, [error])
