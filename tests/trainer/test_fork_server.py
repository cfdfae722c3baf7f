"""A training process that is a fork is not to be told from one that was started, and ends where that one would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.local import forks, programs
from limbeck.launchers.local.launcher import LocalLauncher
from limbeck.records import to_json
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import fork_server
from limbeck.trainer.job import TrainingJob
from tests import children, ended
from tests.trainer import forked_program, forked_task
from tests.trainer.world import World

pytestmark = [pytest.mark.processes, pytest.mark.long]
PROJECT = Path(__file__).parents[2]
FORK, PROGRAM = "limbeck.trainer.fork_server", "limbeck.trainer.worker"
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module", autouse=True)
def _many_open_files() -> Iterator[None]:
    """The server got handles from 1,024 on, which `select` refuses: it ended, and no process was a fork any more."""
    with contextlib.ExitStack() as opened:
        for _ in range(1100):
            opened.enter_context(Path(os.devnull).open("rb"))
        yield


@pytest.fixture(autouse=True)
def _own_server() -> Iterator[None]:
    """None that an earlier test has left, and none for a later one."""
    forks.stop()
    yield
    forks.stop()


def job_of(world: World, folder: Path, kind: str, workers: int = 1) -> TrainingJob:
    folder.mkdir()
    strategy = StrategyConfig("one_device") if workers == 1 else StrategyConfig(workers=workers)
    return world.job(folder / "job", task=forked_task.write(folder, kind), strategy=strategy)


def seen(world: World, folder: Path, workers: int = 1) -> dict[str, dict[str, Any]]:
    job = job_of(world, folder, "standing", workers)
    with pytest.raises(UserError, match="seen enough"):
        LocalLauncher(settle=5.0).launch(job, Cluster.of(job.strategy))
    return forked_task.standings(folder)


def test_a_fork_stands_as_a_program_does(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fork = seen(world, tmp_path / "fork")["chief-0"]
    assert "[teacher chief] said\n" in capfd.readouterr().err
    monkeypatch.setattr(forks, "start", lambda *_: None)
    program = seen(world, tmp_path / "program")["chief-0"]
    assert (fork.pop("program"), program.pop("program")) == (FORK, PROGRAM)
    assert fork["folder"] and fork["parent is who it should be"]
    assert fork["threads"] > 1
    # For the digest of the training code. Each process would read them again.
    assert fork.pop("sources read") > 100 > program.pop("sources read")
    for one in (fork, program):
        for own in ("LIMBECK_PARENT", "TMPDIR", "LIMBECK_FAILURE", "LIMBECK_HEARTBEAT"):
            assert one["variables"].pop(own)
        del one["drawn"], one["process"]
        one["sockets"] = [name for name in one["sockets"] if name.startswith("socket")]
    assert fork == program


def test_processes_of_a_job_draw_other_numbers(world: World, tmp_path: Path) -> None:
    """Without a seed of their own. Numbers that are drawn in the server would be the same in all forks."""
    chief, worker = seen(world, tmp_path / "job", workers=2).values()
    assert chief["program"] == worker["program"] == FORK
    assert not set(chief["drawn"]) & set(worker["drawn"])


def test_what_has_threads_is_not_forked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """OpenBLAS makes its threads when NumPy is imported."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert seen(world, tmp_path / "job")["chief-0"]["program"] == PROGRAM
    assert "the fork server has threads, and cannot fork" in capfd.readouterr().err


def test_another_program_is_a_fork_where_a_server_stands_and_a_program_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The process that measures latencies imported TensorFlow anew in each run."""
    name = forked_program.__name__
    monkeypatch.setattr(fork_server, "PROGRAMS", (*fork_server.PROGRAMS, name))
    file = tmp_path / "found.json"

    programs.run(name, [str(file), "0"], tmp_path)
    assert json.loads(file.read_text()) == {"parent": os.getpid(), "imported": False}

    LocalLauncher().prepare()
    programs.run(name, [str(file), "0"], tmp_path)
    [server] = children.running(fork_server.__name__)
    assert json.loads(file.read_text()) == {"parent": server.pid, "imported": True}
    with pytest.raises(RuntimeError, match=r"forked_program ended with exit code 3:\nsaid\n"):
        programs.run(name, [str(file), "3"], tmp_path)
    assert "said\n" in capfd.readouterr().err


_LEAVES = """
import atexit, concurrent.futures, threading
from limbeck.trainer import fork_server
pool = concurrent.futures.ThreadPoolExecutor(1)
pool.submit(print, "pool").result()
go = threading.Event()
threading.Thread(target=lambda: (go.wait(), print("thread"))).start()
atexit.register(print, "exit")
go.set()
fork_server.leave(3)
"""


def test_who_leaves_waits_for_threads_and_not_for_pools_without_work() -> None:
    """A pool of threads that a task's code kept held its training for ever, after the last line of the training."""
    done = subprocess.run(
        [sys.executable, "-c", _LEAVES],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "pool\nthread\nexit\n")


def waiting(folder: Path) -> psutil.Process:
    """Waits until a `waiting` task is imported. Returns the process that imports it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := list(folder.glob("waiting-*"))):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return psutil.Process(int(found[0].name.partition("-")[2]))


class Launching:
    """A launch in a thread, which outlives its process."""

    def __init__(self, job: TrainingJob) -> None:
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._launch, args=(job,))
        self._thread.start()

    def _launch(self, job: TrainingJob) -> None:
        try:
            LocalLauncher().launch(job, Cluster.of(job.strategy))
        except Exception as error:
            self.error = error

    def ended(self) -> Exception | None:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        return self.error


def test_other_variables_take_another_server_and_end_no_process(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launching = Launching(job_of(world, tmp_path / "first", "waiting"))
    first = waiting(tmp_path / "first")
    monkeypatch.setenv("TF_DETERMINISTIC_OPS", "1")
    second = seen(world, tmp_path / "second")["chief-0"]
    assert second["program"] == FORK and second["variables"]["TF_DETERMINISTIC_OPS"] == "1"
    server = first.parent()
    assert first.is_running() and server is not None
    (tmp_path / "first" / "go").touch()
    assert "waited enough" in str(launching.ended())
    # It is not needed any more.
    server.wait(PATIENCE_SECONDS)


def test_a_launcher_that_is_interrupted_in_a_request_leaves_no_server() -> None:
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    socket.send_fds(ours, [b"\n"], [writing, writing])
    ours.sendall(b'{"arguments": [')
    ours.close()
    assert fork_server._receive(theirs) is None
    theirs.close()
    # Nor the ends of the pipes that came with it.
    os.close(writing)
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_killed_server_is_a_killed_process_and_the_next_attempt_has_a_new_one(
    world: World, tmp_path: Path
) -> None:
    launching = Launching(job_of(world, tmp_path / "killed", "waiting"))
    fork = waiting(tmp_path / "killed")
    server = fork.parent()
    assert server is not None and fork_server.__name__ in server.cmdline()
    server.kill()
    error = launching.ended()
    assert isinstance(error, TrainingFailedError) and "killed by SIGKILL" in str(error)
    fork.wait(PATIENCE_SECONDS)
    assert seen(world, tmp_path / "next")["chief-0"]["program"] == FORK


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_nothing_survives_the_launcher(world: World, tmp_path: Path, number: signal.Signals) -> None:
    job = job_of(world, tmp_path / "job", "waiting")
    code = (
        "import sys; from limbeck.launchers.launch import launch; from limbeck.launchers.cluster import Cluster;"
        "from limbeck.records import from_json; from limbeck.trainer.job import TrainingJob;"
        "job = from_json(TrainingJob, sys.argv[1]); launch(job, Cluster.of(job.strategy))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, to_json(job)], cwd=PROJECT, env=dict(os.environ)
    ) as launcher:
        fork = waiting(tmp_path / "job")
        server = fork.parent()
        assert server is not None and server.ppid() == launcher.pid
        launcher.send_signal(number)
        assert launcher.wait(PATIENCE_SECONDS) == -number
    ended.wait([fork, server])
