"""A signal between two lines: it waits for what must not be cut short, and never ends in a traceback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from limbeck.cli import guardian, stopping
from limbeck.cli.local_run import attending
from limbeck.cli.local_run.run_folder import RunFolder


@pytest.fixture
def _another_thread() -> Iterator[None]:
    """A thread that blocks no signal, as those of NumPy's library."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.usefixtures("_another_thread")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_postponed_signal_waits_also_where_another_thread_takes_it(number: int):
    """The kernel hands a signal that the main thread blocks to another one, and Python ran its handler at once."""
    done, (heard, told) = [], socket.socketpair()
    told.setblocking(False)
    with heard, told:
        before = signal.set_wakeup_fd(told.fileno())
        try:
            with pytest.raises(stopping.StoppedError) as stop, stopping.signals_as_errors():
                with stopping.postponed():
                    os.kill(os.getpid(), number)
                    # Some thread has taken it now.
                    assert heard.recv(1) == bytes([number])
                    done.append("all")
                done.append("too much")
        finally:
            signal.set_wakeup_fd(before)
    assert (done, stop.value.code) == (["all"], 128 + number)


def test_what_ignores_signals_ignores_postponed_ones_too():
    with stopping.signals_as_errors():
        stopping.ignore_signals()
        with stopping.postponed():
            os.kill(os.getpid(), signal.SIGTERM)


class Runners:
    """Starts runners that leave a process behind in their session."""

    def __init__(self) -> None:
        self.session = 0

    def start(self, _: RunFolder) -> Any:
        runner = subprocess.Popen(["/bin/sh", "-c", "sleep 600 & exit 0"], start_new_session=True)
        self.session = runner.pid
        return runner


@pytest.fixture
def runners() -> Iterator[Runners]:
    made = Runners()
    yield made
    guardian.end_session(made.session, signal.SIGKILL)


def attend(folder: Path, runners: Runners) -> int:
    root = RunFolder(folder)
    root.events.parent.mkdir()
    root.events.touch()
    return attending.attend(root, runners.start, silent=())


def test_a_signal_while_a_session_is_ended_spares_none_of_it(
    tmp_path: Path, runners: Runners, monkeypatch: pytest.MonkeyPatch
):
    end_session = guardian.end_session

    def interrupted(session: int, number: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        end_session(session, number)

    monkeypatch.setattr(guardian, "end_session", interrupted)
    assert attend(tmp_path, runners) == 128 + signal.SIGTERM
    assert guardian.members(runners.session) == []


def test_who_kills_a_session_waits_between_two_looks_at_it(monkeypatch: pytest.MonkeyPatch):
    """All of /proc was read again and again, without a pause, while a killed process waited for its disk."""
    looks, pauses = iter([[1, 2], [2], [2], []]), []
    monkeypatch.setattr(guardian, "members", lambda _: next(looks))
    monkeypatch.setattr(guardian, "end_session", lambda session, number: None)
    monkeypatch.setattr(guardian.time, "sleep", pauses.append)

    guardian.kill_session(7)

    assert next(looks, None) is None
    assert len(pauses) == 3
    assert min(pauses) > 0


def test_a_signal_just_after_the_end_of_a_run_is_no_traceback(
    tmp_path: Path, runners: Runners, monkeypatch: pytest.MonkeyPatch
):
    ignore = stopping.ignore_signals

    def interrupted() -> None:
        monkeypatch.setattr(stopping, "ignore_signals", ignore)
        os.kill(os.getpid(), signal.SIGTERM)
        ignore()

    monkeypatch.setattr(stopping, "ignore_signals", interrupted)
    assert attend(tmp_path, runners) == 128 + signal.SIGTERM
