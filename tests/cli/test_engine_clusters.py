"""`engine start` with real clusters of Flink and Spark: complete, then without a worker, then gone without a trace."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from limbeck.engines import flink_rest
from limbeck.errors import ConfigError
from tests.cli.program import PROJECT
from tests.cli.standing import ENGINES, Engine, Started
from tests.limbeck.engines.clusters import write_jar, write_java

pytestmark = [
    pytest.mark.processes,
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("java") is None, reason="Flink and Spark need Java"),
]
LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
# A `java` that runs Beam's job service in Python in the place of a jar, and otherwise is Java.
STAND_IN = """
for word in "$@"; do
  if [ "$word" = -jar ]; then jar=1; fi
  if [ "$last" = --job-port ]; then port=$word; fi
  last=$word
done
if [ -z "$jar" ]; then exec {java} "$@"; fi
export TMPDIR={temporary}
cd {project} && exec {python} -m limbeck.beam_processes.job_service --port $port
"""


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    if not found.home.is_dir():
        pytest.skip(f"there is no {found.home}: make .venv-{found.name}/ready")
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def asked(url: str) -> Any:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as answer:
        return json.loads(answer.read())


def listening(processes: list[psutil.Process]) -> set[tuple[str, int]]:
    """Addresses and ports at which processes listen."""
    found = (one for process in processes for one in process.net_connections("tcp"))
    return {tuple(one.laddr) for one in found if one.status == psutil.CONN_LISTEN}


def assert_a_run_would_take(flink: str) -> None:
    """What a run asks of a cluster of Flink, asked of a real one."""
    flink_rest.assert_fits(flink, "1.19", 2)
    with pytest.raises(ConfigError, match=r"for Flink 1\.18, but the cluster .* is Flink 1\.19"):
        flink_rest.assert_fits(flink, "1.18", 2)
    with pytest.raises(ConfigError, match="has 2 slots"):
        flink_rest.assert_fits(flink, "1.19", 3)
    assert flink_rest.cancel(flink, "limbeck-1") == []


def test_a_cluster_starts_loses_a_worker_and_ends(engine: Engine, place: Path):
    with Started(place, engine.name, "--home", engine.home, "--port", "0") as started:
        page = re.search(r"http://\S+$", started.until("its page: ").strip())
        assert page is not None
        started.until("Ctrl-C ends")
        assert asked(page[0] + engine.overview)[engine.count] == 2
        everything = started.processes()
        [_], [_, second] = started.running(engine.master), started.running(engine.worker)
        addresses = listening(everything)
        assert {host for host, _ in addresses} <= LOOPBACK
        assert len(addresses) >= 4
        if engine.name == "flink":
            assert_a_run_would_take(page[0])

        second.kill()
        lost = started.until("lost: the worker 2 was killed by SIGKILL")
        assert lost.endswith("workers that are left: 1 of 2\n")
        started.until("knows 1 of 2 workers now")
        assert asked(page[0] + engine.overview)[engine.count] == 1

        started.process.send_signal(signal.SIGINT)
        assert started.ended() == 130
        assert "".join(started.said).endswith("\nended\n")
        started.assert_nothing_left(everything)


@pytest.mark.parametrize("engine", ENGINES[:1], indirect=True, ids=lambda engine: engine.name)
def test_a_killed_program_leaves_nothing(engine: Engine, place: Path):
    """Whose cluster it is, the guardian does not know."""
    with Started(place, engine.name, "--home", engine.home, "--port", "0", "--workers", "1") as started:
        # In the middle of the start: a worker may not even have a Java yet.
        started.until("starting ")
        while not started.running(engine.master):
            assert started.process.poll() is None
        everything = started.processes()
        started.process.kill()
        started.ended()
        started.assert_nothing_left(everything)


def test_a_job_server_stands_beside_the_cluster_and_ends_it_with_its_own_end(place: Path, tmp_path: Path):
    """Beam's jars were not to be had: Beam's job service in Python answers where the job server would."""
    spark = next(one for one in ENGINES if one.name == "spark")
    if not spark.home.is_dir():
        pytest.skip(f"there is no {spark.home}: make .venv-spark/ready")
    write_java(tmp_path / "jdk", "17.0.15", stand_in(tmp_path))
    jar = write_jar(tmp_path / "beam-runners-spark-3-job-server-2.64.0.jar", "spark")
    options = ("--home", spark.home, "--port", "0", "--workers", "1", "--job-port", "0", "--job-server-jar", jar)
    with Started(place, "spark", *options, JAVA_HOME=str(tmp_path / "jdk")) as started:
        endpoint = re.search(r"beam\.endpoint=127\.0\.0\.1:(\d+)", started.until("beam.endpoint="))
        assert endpoint is not None
        socket.create_connection(("127.0.0.1", int(endpoint[1])), timeout=30).close()
        everything = started.processes()
        [server] = started.running("limbeck.beam_processes.job_service")

        server.kill()
        assert started.ended() == 1
        said = "".join(started.said)
        assert "error: Spark is of no use any more and was ended: the job server was killed by SIGKILL" in said
        started.assert_nothing_left(everything)


def stand_in(folder: Path) -> str:
    """The script of the stand-in, which keeps its files in a folder: it removes nothing when it is killed."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin")) if home else None)
    names = {"java": str(java), "project": str(PROJECT), "python": sys.executable, "temporary": str(folder)}
    return STAND_IN.format(**{name: shlex.quote(value) for name, value in names.items()})
