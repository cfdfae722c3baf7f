"""The process of an attempt, as the launcher sees it; other programs stand for it, and no Ray is needed."""

import dataclasses
import os
import socket
import sys
import threading

import pytest

from limbeck import files
from limbeck.errors import ConfigError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.failure import AttemptFailedError
from limbeck.launchers.ray import attempt, launcher
from limbeck.launchers.ray.launcher import RayLauncher
from limbeck.launchers.ray.request import Request
from limbeck.settings.ray import RayConfig
from tests.launchers import jobs

pytestmark = pytest.mark.processes

# They take the paths of the request and of the outcome.
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
REFUSED = """
import pathlib, sys
from limbeck.launchers.ray.request import Outcome, Request
from limbeck.records import from_json, to_json
request = from_json(Request, pathlib.Path(sys.argv[1]).read_text())
outcome = Outcome("user", f"first: {request.first}, in {request.files}")
pathlib.Path(sys.argv[2]).write_text(to_json(outcome))
"""
UNTIL_IT_IS_ASKED_TO_END = """
import os, pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(pathlib.Path(os.environ["LEFT"]).write_text("asked")))
os.kill(os.getppid(), signal.SIGINT)
signal.pause()
"""


@pytest.fixture
def launch(tmp_path, monkeypatch):
    settings = RayConfig(address="127.0.0.1:1", staging=f"{tmp_path}/staging", shared=str(tmp_path))
    one = RayLauncher(settings)

    def launch(program, servers=0):
        monkeypatch.setattr(launcher, "_ATTEMPT", (sys.executable, "-c", program))
        return one.launch(jobs.job(tmp_path, 2), Cluster(workers=1, servers=servers))

    yield launch
    assert files.walk(tmp_path / "staging") == []


def test_a_process_that_is_killed_fails_the_attempt_alone(launch):
    with pytest.raises(AttemptFailedError, match="the process that is connected to Ray was killed by SIGKILL"):
        launch(KILLED)


def test_what_it_tells_is_raised_and_only_the_first_attempt_refuses(launch, tmp_path):
    for first in (True, False):
        with pytest.raises(UserError, match=f"first: {first}, in {tmp_path}/staging/limbeck-.*/attempt-"):
            launch(REFUSED)


def test_an_interrupt_gives_it_the_time_to_end_what_it_started(launch, tmp_path, monkeypatch):
    assert threading.current_thread() is threading.main_thread()
    monkeypatch.setenv("LEFT", str(tmp_path / "left"))
    with pytest.raises(KeyboardInterrupt):
        launch(UNTIL_IT_IS_ASKED_TO_END)
    assert (tmp_path / "left").read_text() == "asked"


def test_servers_of_variables_are_refused(launch):
    with pytest.raises(ConfigError, match="starts no servers"):
        launch(KILLED, servers=1)


def test_a_cluster_that_is_not_there_is_refused_at_first_and_waited_for_later(tmp_path):
    with socket.socket() as bound:
        # Nobody listens there, and nobody else gets the port.
        bound.bind(("127.0.0.1", 0))
        settings = RayConfig(address=f"127.0.0.1:{bound.getsockname()[1]}")
        request = Request(
            jobs.job(tmp_path, 2), Cluster(workers=1), settings, 60.0, os.fspath(tmp_path), first=True
        )
        with pytest.raises(UserError, match=r"nobody answers at launcher\.ray\.address=127"):
            attempt.run(request)
        with pytest.raises(AttemptFailedError, match="nobody answers"):
            attempt.run(dataclasses.replace(request, first=False))
