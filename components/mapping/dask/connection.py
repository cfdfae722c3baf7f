"""The connection to a Dask cluster. Each worker is checked before it works."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from typing import Any

from limbeck.components.mapping import worker
from limbeck.components.mapping.dask import versions
from limbeck.components.mapping.dask.futures import DaskCluster, lost
from limbeck.errors import UserError
from limbeck.records import from_json
from limbeck.settings.scoring import ScoringConfig

_CONNECT_SECONDS = 10.0


@contextlib.contextmanager
def connected(settings: ScoringConfig, wanted: str) -> Iterator[DaskCluster]:
    """Implements `limbeck.components.mapping.cluster.Connection`."""
    with _client(settings) as client:
        _assert_cluster(client, settings, wanted)
        yield DaskCluster(client, settings, wanted)


@contextlib.contextmanager
def _client(settings: ScoringConfig) -> Iterator[Any]:
    from distributed import Client

    try:
        # If another program listens at the address, a client waits for its first bytes for ever, and ignores its
        # timeout.
        kind = asyncio.run(asyncio.wait_for(_kind_of(str(settings.address)), _CONNECT_SECONDS))
        if kind != "Scheduler":
            raise OSError(f"it says that it is a {kind}")
        # Not the default client: if a task's code uses Dask's collections, they must not compute on this cluster.
        client = Client(settings.address, timeout=_CONNECT_SECONDS, set_as_default=False, name="limbeck")
    except (OSError, ImportError, asyncio.TimeoutError) as error:
        raise UserError(
            f"scoring.address={settings.address} is no scheduler of Dask that this process can talk to "
            f"({_first_line(error)}): start one with `dask scheduler`, of the same version as here, or correct the "
            "address"
        ) from None
    try:
        yield client
    finally:
        client.close()


async def _kind_of(address: str) -> str:
    """Returns which kind of process answers at an address: Scheduler, Worker or Nanny."""
    from distributed.core import rpc

    async with rpc(address) as process:
        return str((await process.identity())["type"])


def _assert_cluster(client: Any, settings: ScoringConfig, wanted: str) -> None:
    from distributed.client import FutureCancelledError

    try:
        found = client.get_versions()
        own = found["client"]["packages"]
        _assert_scheduler(client, settings, versions.of_scheduler(own, found["scheduler"]["packages"]))
        _await_worker(client, settings)
        # The versions are requested again, because the first worker may have joined in the meantime.
        for address, each in sorted(client.get_versions()["workers"].items()):
            _assert_none(address, "has", versions.of_worker(own, each["packages"]))
        _assert_workers(client, wanted)
    except (OSError, FutureCancelledError):
        raise lost(settings) from None


def _assert_scheduler(client: Any, settings: ScoringConfig, differences: list[str]) -> None:
    where = f"the scheduler at scoring.address={settings.address}"
    if differences:
        raise UserError(
            f"all processes of a Dask cluster must have the packages of the pipeline, but {where} has "
            f"{'; '.join(differences)}: install requirements-dask.txt there, and start it again"
        )
    try:
        # The scheduler unpickles each task that it passes on, so it must find the module of `worker.call`.
        client.run_on_scheduler(worker.refusal, "", "")
    except Exception as error:
        # Dask returns some errors as texts.
        if "ModuleNotFoundError" not in repr(error):
            raise
        raise UserError(
            f"all processes of a Dask cluster must find Limbeck, but {where} does not ({_first_line(error)}): install "
            "it there, or put its folder on PYTHONPATH, and start the scheduler again"
        ) from None


def _await_worker(client: Any, settings: ScoringConfig) -> None:
    from distributed import TimeoutError as TooLateError

    # Submits a task, because an adaptive cluster starts no worker until there is work.
    first = client.submit(os.getpid, pure=False)
    try:
        first.result(timeout=settings.start_seconds)
    except TooLateError:
        raise UserError(
            f"the Dask cluster at scoring.address={settings.address} has no worker, and none came within "
            f"{settings.start_seconds:g} s: start one with `dask worker {settings.address}`, or raise "
            "scoring.start_seconds"
        ) from None


def _assert_workers(client: Any, wanted: str) -> None:
    """Makes all workers check themselves. Raises UserError for the first worker that must not work."""
    for address, said in sorted(client.run(worker.look, wanted, on_error="return").items()):
        if isinstance(said, OSError):
            # The worker has just left the cluster.
            continue
        if isinstance(said, Exception):
            _assert_none(address, "lacks what scoring needs:", [_first_line(said)])
        look = from_json(worker.Look, said)
        wrong = look.wrong_here()
        if wrong:
            raise UserError(worker.refusal(f"{look.host} ({address})", wrong))


def _assert_none(where: str, what: str, wrong: list[str]) -> None:
    if wrong:
        raise UserError(worker.refusal(where, f"{what} {'; '.join(wrong)}"))


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
