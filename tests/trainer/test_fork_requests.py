"""A request to a fork server that goes wrong costs no other fork its life."""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from limbeck.launchers.local import forks
from limbeck.launchers.local.environment import alone
from limbeck.launchers.local.forks import Fork, Forks
from limbeck.trainer.fork_server import Request
from tests import ended as processes
from tests.trainer import idle_server

pytestmark = pytest.mark.processes


class Asking:
    """Asks for forks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.servers = folder, Forks(idle_server.__name__)
        self.started: list[Fork] = []

    def begin(self, code: int, output: int | None = None) -> Fork:
        variables = alone(os.environ) | {idle_server.FAULTS: str(self.folder)}
        request = Request(idle_server.__name__, [str(code)], variables, str(self.folder))
        fork = self.servers.start(request, output)
        assert fork is not None, "no fork"
        self.started.append(fork)
        return fork

    def __call__(self, code: int) -> Fork:
        """Starts a fork, and waits until it runs."""
        fork = self.begin(code)
        assert fork.stdout is not None
        assert fork.stdout.readline() == "waits\n"
        return fork


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asking]:
    made = Asking(tmp_path)
    yield made
    for fork in made.started:
        fork.kill()
    made.servers.stop()


def ended(fork: Fork) -> int:
    os.kill(fork.pid, signal.SIGUSR1)
    return fork.wait()


def test_an_interrupt_in_the_midst_of_a_request(asked: Asking, monkeypatch: pytest.MonkeyPatch):
    """The server took the beginning of the next request for the rest of this one, and ended with all its forks."""
    first, send = asked(3), socket.send_fds

    def interrupted(*arguments: Any) -> None:
        send(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(socket, "send_fds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            asked(4)
    assert ended(asked(5)) == 5
    assert ended(first) == 3


def test_an_interrupt_before_the_process_is_known(asked: Asking, monkeypatch: pytest.MonkeyPatch):
    """The server could not tell anybody of its fork, and ended with all others."""
    first, send, outputs = asked(3), socket.send_fds, []

    def without_reader(where: socket.socket, parts: list[bytes], files: list[int]) -> None:
        reader, status = os.pipe()
        os.close(reader)
        send(where, parts, [files[0], status])
        os.close(status)

    def interrupted(output: Any, _: Any) -> None:
        outputs.append(output)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(socket, "send_fds", without_reader)
        patched.setattr(forks, "Fork", interrupted)
        with pytest.raises(KeyboardInterrupt):
            asked(4)
    # It ends with the fork that nobody knows.
    assert outputs[0].read() in ("", "waits\n")
    assert ended(asked(5)) == 5
    assert ended(first) == 3


def test_a_server_that_dies_before_its_fork_has_looked_at_it(asked: Asking, tmp_path: Path):
    """The fork took whoever had adopted it for its server, and lived for ever."""
    (tmp_path / "late").touch()
    fork = asked.begin(3)
    process = psutil.Process(fork.pid)
    os.kill(process.ppid(), signal.SIGKILL)
    assert fork.wait() == -signal.SIGKILL
    processes.wait([process])


def test_a_fork_that_cannot_be_watched_does_not_run_beside_its_successor(
    asked: Asking, monkeypatch: pytest.MonkeyPatch
):
    """As where this process has too many open files: a worker of Beam, whose output is no pipe, ran twice."""
    opened, unwatched = os.pidfd_open, []

    def once(process: int) -> int:
        if not unwatched:
            unwatched.append(psutil.Process(process))
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return opened(process)

    with monkeypatch.context() as patched, Path(os.devnull).open("wb") as output:
        patched.setattr(os, "pidfd_open", once)
        fork = asked.begin(3, output.fileno())
    processes.wait(unwatched)
    assert psutil.pid_exists(fork.pid)


def test_a_machine_without_room_for_another_process(asked: Asking, tmp_path: Path):
    """The server ended with all its forks. Where it cannot fork, the caller starts a program."""
    first = asked(3)
    (tmp_path / "full").touch()
    with pytest.raises(AssertionError, match="no fork"):
        asked(4)
    assert ended(first) == 3
