"""The parent of several servers, with workers that start at once because they have no model."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from limbeck.server import ports
from limbeck.server.workers import ShortLives
from tests import ended
from tests.cli import program
from tests.server import toy_worker
from tests.server.ports import free_port

_PROGRAM = "import sys; from limbeck.server import workers; {}; sys.exit(workers.main(sys.argv[1:]))"


@dataclasses.dataclass
class Parent:
    """A parent of two workers."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, request: bytes = b"who") -> Any:
        with socket.create_connection(("localhost", self.port), timeout=60) as connection:
            connection.sendall(request)
            answer = connection.recv(4096)
        return json.loads(answer) if answer else None

    def processes(self, count: int) -> set[int]:
        """The processes that answer, once there are so many."""
        seen: set[int] = set()
        while len(seen) < count:
            seen.add(self.ask()["process"])
        return seen

    def line(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


@pytest.fixture
def start() -> Iterator[Any]:
    made: list[Parent] = []

    def start(fault: str = "none", change: str = "pass") -> Parent:
        port = free_port()
        command = [sys.executable, "-c", _PROGRAM.format(change), "2", toy_worker.__file__, str(port), fault]
        environment = program.environment() | {"PYTHONPATH": str(program.PROJECT)}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd="/")
        made.append(Parent(process, port))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.communicate()


def test_short_lives_in_a_row_are_counted():
    lives = ShortLives(limit=3, seconds=10)
    assert [lives.are_too_many(lived) for lived in (0, 9.9, 10, 0, 5)] == [False, False, False, False, False]
    assert lives.are_too_many(0)


@pytest.mark.processes
def test_the_parent_imports_nothing_heavy():
    code = "import sys, limbeck.server.workers; print(*sorted({one.partition('.')[0] for one in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=program.PROJECT
    )
    assert not {"numpy", "tensorflow", "kserve", "prometheus_client", "asyncio", "pydantic"} & set(
        done.stdout.split()
    )


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_answer_and_end_together(start, number: int):
    parent = start()
    assert parent.line() == "ready: 2 workers answer\n"
    told, children = parent.ask(), parent.children()
    assert parent.processes(2) == {one.pid for one in children}
    assert int(told["TF_NUM_INTRAOP_THREADS"]) == max(1, len(os.sched_getaffinity(0)) // 2)
    metrics = Path(told["PROMETHEUS_MULTIPROC_DIR"])
    assert metrics.is_dir()
    parent.process.send_signal(number)
    assert parent.process.wait(60) == 0
    assert not any(one.is_running() for one in children)
    assert not metrics.parent.exists()
    ports.reserve(parent.port).close()


# Python has no name for most of the real-time signals, of which 40 is one.
@pytest.mark.processes
@pytest.mark.parametrize(("number", "name"), [(signal.SIGKILL, "SIGKILL"), (40, "signal 40")])
def test_a_dead_worker_is_replaced_and_its_gauges_forgotten(start, number: int, name: str):
    parent = start()
    parent.line()
    before = parent.processes(2)
    metrics, [dead, living] = Path(parent.ask()["PROMETHEUS_MULTIPROC_DIR"]), sorted(before)
    for file in (f"gauge_liveall_{dead}.db", f"gauge_liveall_{living}.db", f"histogram_{dead}.db"):
        (metrics / file).touch()
    os.kill(dead, number)
    assert parent.line() == f"worker {dead} ended by {name}: another one is started\n"
    after = parent.processes(2)
    assert (living in after, dead in after) == (True, False)
    assert {path.name for path in metrics.iterdir()} == {f"gauge_liveall_{living}.db", f"histogram_{dead}.db"}


@pytest.mark.processes
def test_workers_that_end_again_and_again_end_the_server(start):
    parent = start()
    parent.line()
    for _ in range(4):
        # Both are alive: nobody can ask one that is just started.
        parent.processes(2)
        parent.ask(toy_worker.POISON)
        assert parent.line().endswith("ended with code 7: another one is started\n")
    parent.processes(2)
    children = parent.children()
    parent.ask(toy_worker.POISON)
    assert parent.line() == "error: 5 workers in a row ended within 30 seconds, the last one with code 7\n"
    assert parent.process.wait(60) == 1
    assert not any(one.is_running() for one in children)


@pytest.mark.processes
def test_workers_that_cannot_start_end_the_server_by_their_code(start):
    parent = start("start")
    assert parent.process.wait(60) == 3
    assert parent.line().endswith("ended with code 3 before the server was ready\n")


# The parent can start so many workers, and no more.
_ROOM = """
import errno, os, subprocess
room, start = [None] * {}, subprocess.Popen
def popen(*arguments, **options):
    if not room:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    room.pop()
    return start(*arguments, **options)
workers.subprocess.Popen = popen
"""


@pytest.mark.processes
@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_machine_without_room_for_a_worker_ends_the_server_with_a_sentence(start, room: int):
    """As where a container may have no more processes. The parent ended in a traceback."""
    parent = start("none", f"exec({_ROOM.format(room)!r})")
    if room == 2:
        assert parent.line() == "ready: 2 workers answer\n"
        parent.ask(toy_worker.POISON)
        assert parent.line().endswith("ended with code 7: another one is started\n")
    assert parent.line() == "error: no worker can be started (Resource temporarily unavailable)\n"
    assert parent.process.wait(60) == 1


@pytest.mark.processes
def test_a_worker_that_does_not_end_is_killed(start):
    parent = start("stubborn", "workers._PATIENCE_SECONDS = 0.2")
    parent.line()
    children = parent.children()
    parent.process.terminate()
    assert parent.process.wait(60) == 1
    assert not any(one.is_running() for one in children)


@pytest.mark.processes
def test_a_parent_that_is_killed_leaves_nothing(start):
    parent = start()
    parent.line()
    children, metrics = parent.children(), Path(parent.ask()["PROMETHEUS_MULTIPROC_DIR"])
    parent.process.kill()
    ended.wait(children)
    assert not metrics.parent.exists()
    ports.reserve(parent.port).close()
