"""A run starts a job server, waits for it, and ends it. Beam's jars were not to be had: Python's service stands in.

The stand-in is what `java` runs here. It reads the command line of a Java job server, and listens where that says. So
the flags, the command of the workers, the wait and the end are real; Java, Flink and Spark are not.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from limbeck.beam_processes import job_server, ready, running
from limbeck.launchers.local import forks
from limbeck.reference import find
from limbeck.settings.beam import BeamConfig
from limbeck.trainer.process import interpreter
from tests import ended
from tests.limbeck.beam_processes import steps
from tests.limbeck.engines.clusters import FlinkRest, write_jar, write_java

pytestmark = [pytest.mark.processes, pytest.mark.long]

STAND_IN = """
while [ $# -gt 0 ]; do
  if [ "$1" = --job-port ]; then port=$2; fi
  shift
done
exec {python} -m limbeck.beam_processes.job_service --port $port
"""


@pytest.fixture
def jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_java(tmp_path / "jdk", "17.0.15", STAND_IN.format(python=shlex.quote(sys.executable)))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    return write_jar(tmp_path / "beam-runners-flink-1.19-job-server-2.64.0.jar")


@pytest.fixture
def master() -> Iterator[str]:
    with FlinkRest().serving() as url:
        yield url


def test_a_job_with_the_flags_of_flink(jar: Path, master: str, tmp_path: Path):
    # What forks for other tests stays; only what this one started must have ended.
    forks.stop()
    settings = BeamConfig(engine="flink", job_server_jar=str(jar), master=master, environment="process")
    log = tmp_path / "workers.log"
    with running.engine(settings, find("digits"), log, tmp_path / "staged") as processes:
        assert processes is not None
        steps.run(steps.worker_of, settings.flags(processes), tmp_path / "out")
        assert [path.name for path in (tmp_path / "staged").iterdir()] == [processes.job_name]
        children = psutil.Process().children(recursive=True)
    numbers = [line.split()[0] for path in tmp_path.glob("out*") for line in path.read_text().splitlines()]
    assert sorted(map(int, numbers)) == list(range(40))
    assert log.exists()
    assert not (tmp_path / "staged").exists()
    ended.wait(children)


def test_a_job_server_that_ends_before_it_answers_is_told(
    master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_java(tmp_path / "jdk", "17.0.15", "exit 9")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    settings = BeamConfig(engine="flink", job_server_jar="/jar", master=master)
    with pytest.raises(ready.NotStartedError, match="ended with exit code 9 before it answered"):
        job_server.running(settings, interpreter.environment(os.environ), tmp_path / "staged").__enter__()
