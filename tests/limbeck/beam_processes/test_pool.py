"""A pool hands orders to processes that wait, and no worker outlives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from limbeck.beam_processes import pool as module
from limbeck.beam_processes.boot import Order
from limbeck.beam_processes.pool import Pool, Spares, serve
from limbeck.errors import ConfigError

# Takes its order as a worker does, writes it down, and ends when the pipe does.
WORKER = """
import os, sys
order = sys.stdin.readline()
if not order:
    sys.exit()
with open(os.environ["ORDERS"], "a") as file:
    file.write(order)
sys.stdin.read()
"""


class Starter:
    """Starts small processes in the place of workers."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(self, command: Any, **options: Any) -> subprocess.Popen[bytes]:
        self.started.append(subprocess.Popen([sys.executable, "-c", self.source], **options))
        return self.started[-1]


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders"
    os.mkfifo(path)
    return path


@pytest.fixture
def starter(orders: Path) -> Iterator[Starter]:
    made = Starter(WORKER)
    yield made
    for process in made.started:
        process.kill()
        process.stdin.close()
        process.wait()


def pool_of(starter: Starter, orders: Path, spares: int = 1) -> Pool:
    return Pool(Spares(spares, {**os.environ, "ORDERS": str(orders)}, starter))


def request(name: str) -> Any:
    def service(port: int) -> dict[str, str]:
        return {"url": f"localhost:{port}"}

    return beam_fn_api_pb2.StartWorkerRequest(
        worker_id=name, provision_endpoint=service(1), control_endpoint=service(2), logging_endpoint=service(3)
    )


def test_a_process_that_waits_takes_the_order_and_another_one_waits(starter: Starter, orders: Path):
    pool = pool_of(starter, orders)
    server, address = serve(pool, "127.0.0.1:0")
    with grpc.insecure_channel(address) as channel:
        stub = beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
        assert not stub.StartWorker(request("w-1"), timeout=30).error
        given = json.loads(orders.read_text(encoding="utf-8"))
        assert Order.parse(given) == Order("w-1", "localhost:1", "localhost:2", "localhost:3")
        assert [process.poll() for process in starter.started] == [None, None]

        stub.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id="w-1"), timeout=30)
        assert starter.started[0].returncode is not None
        # As some engines do when a job has ended.
        stub.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id="w-1"), timeout=30)
    server.stop(0)
    pool.end()
    assert all(process.returncode is not None for process in starter.started)


def test_a_worker_ends_with_the_pipe_that_a_dead_pool_leaves(starter: Starter, orders: Path):
    pool = pool_of(starter, orders)
    pool.StartWorker(request("w-1"))
    orders.read_text(encoding="utf-8")
    for process in starter.started:
        process.stdin.close()
    assert [process.wait(120) for process in starter.started] == [0, 0]


def test_an_engine_may_ask_for_the_end_of_a_worker_while_the_pool_ends(
    starter: Starter, orders: Path, monkeypatch: pytest.MonkeyPatch
):
    """The pool went through its table of workers, a call that had begun took one out, and the pool failed."""
    pool = pool_of(starter, orders, spares=0)
    for name in ("w-1", "w-2"):
        pool.StartWorker(request(name))
    end = module.end

    def meanwhile(process: Any) -> None:
        monkeypatch.setattr(module, "end", end)
        pool.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id="w-2"))
        end(process)

    monkeypatch.setattr(module, "end", meanwhile)
    pool.end()

    assert pool.working == ()
    assert all(process.returncode is not None for process in starter.started)


def test_the_engine_is_told_that_a_process_died_before_it_was_asked(orders: Path):
    starter = Starter("raise SystemExit(3)")
    pool = pool_of(starter, orders)
    starter.started[0].wait()
    assert "died before" in pool.StartWorker(request("w-1")).error
    pool.end()


def test_an_address_that_is_taken_is_refused(starter: Starter, orders: Path):
    pool = pool_of(starter, orders)
    server, address = serve(pool, "127.0.0.1:0")
    with pytest.raises(ConfigError, match=f"cannot listen at {address}"):
        serve(pool, address)
    server.stop(0)


def test_an_engine_that_starts_commands_gives_two_arguments():
    assert Order.parse(["--id=1-1", "--provision_endpoint=h:7", "--semi_persist_dir=/tmp"]) == Order("1-1", "h:7")
