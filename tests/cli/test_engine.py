"""`engine start`: what is refused before anything starts, and what is left of a cluster that does not start."""

from __future__ import annotations

import argparse
import io
import socket
from pathlib import Path

import pytest

from limbeck.cli import guardian
from limbeck.cli.commands import engine
from limbeck.cli.verbs.engine import declare
from limbeck.engines.standalone.kind import Plan
from limbeck.engines.standalone.registry import STANDALONE
from limbeck.errors import ConfigError
from tests.cli.standing import Started
from tests.limbeck.engines.clusters import write_jar, write_java
from tests.limbeck.engines.installations import write_flink, write_spark

SPARK_JAR = "beam-runners-spark-3-job-server-2.64.0.jar"


@pytest.fixture(autouse=True)
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_java(tmp_path / "jdk", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    return tmp_path / "jdk"


@pytest.fixture
def spark(tmp_path: Path) -> Path:
    return write_spark(tmp_path / "spark")


def asked(*arguments: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    declare(parser)
    return parser.parse_args(["start", *map(str, arguments)])


def test_every_kind_of_cluster_can_be_asked_for():
    assert [asked(name).engine for name in STANDALONE] == list(STANDALONE)


def test_what_is_here_is_found(spark: Path, tmp_path: Path):
    jar = write_jar(tmp_path / SPARK_JAR, "spark")
    found = engine.look(asked("spark", "--home", spark, "--job-server-jar", jar))
    assert (found.home, found.version, found.jar) == (spark, "3.5.0 with Scala 2.12", jar)


def test_numbers_that_cannot_be_are_refused(spark: Path):
    for option in ("--workers", "--cores"):
        with pytest.raises(ConfigError, match=f"{option} must be at least 1; received 0"):
            engine.look(asked("spark", "--home", spark, option, "0"))


def test_a_missing_java_and_one_that_does_not_fit_are_told(
    spark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_java(tmp_path / "new", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "new"))
    with pytest.raises(ConfigError, match=r'Spark 3\.5\.0 .* needs Java 8, 11 or 17, but .* says openjdk .*"21'):
        engine.look(asked("spark", "--home", spark))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="has no bin/java: install it, or set JAVA_HOME"):
        engine.look(asked("spark", "--home", spark))


def test_a_jar_that_does_not_fit_is_refused(spark: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="--job-server-jar names no file"):
        engine.look(asked("spark", "--home", spark, "--job-server-jar", tmp_path / SPARK_JAR))
    other = write_jar(tmp_path / "beam-runners-flink-1.19-job-server-2.64.0.jar")
    with pytest.raises(ConfigError, match="--job-server-jar is a job server for flink, but the engine is spark"):
        engine.look(asked("spark", "--home", spark, "--job-server-jar", other))
    older = write_jar(tmp_path / "beam-runners-spark-3-job-server-2.63.0.jar", "spark")
    with pytest.raises(ConfigError, match=r"must be of Beam 2\.64\.0"):
        engine.look(asked("spark", "--home", spark, "--job-server-jar", older))
    flink = write_flink(tmp_path / "flink")
    older = write_jar(tmp_path / "beam-runners-flink-1.18-job-server-2.64.0.jar")
    with pytest.raises(ConfigError, match=r"for Flink 1\.18, but the cluster would be Flink 1\.19\.3"):
        engine.look(asked("flink", "--home", flink, "--job-server-jar", older))


def test_a_port_that_is_taken_is_refused(spark: Path, tmp_path: Path):
    jar = write_jar(tmp_path / SPARK_JAR, "spark")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(ConfigError, match=rf"--port={port} cannot be used \(Address already in use\)"):
            engine.execute(asked("spark", "--home", spark, "--port", port))
        with pytest.raises(ConfigError, match=f"--job-port={port} cannot be used"):
            engine.execute(
                asked("spark", "--home", spark, "--port", "0", "--job-server-jar", jar, "--job-port", port)
            )
    with pytest.raises(ConfigError, match="--port must be from 0 to 65535; received 70000"):
        engine.execute(asked("spark", "--home", spark, "--port", "70000"))


def test_the_logs_need_a_folder(spark: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="--logs must be a folder"):
        engine.execute(asked("spark", "--home", spark, "--port", "0", "--logs", tmp_path / "file"))


@pytest.mark.processes
def test_a_process_that_does_not_start_ends_all_with_its_last_lines(tmp_path: Path):
    script = 'case "$*" in *Worker*) exec sleep 600;; esac\necho "there is no memory" >&2\nexit 7'
    spark = write_spark(tmp_path / "spark", script=script)
    place = tmp_path / "temporary"
    place.mkdir()
    with Started(place, "spark", "--home", spark, "--port", "0") as started:
        started.until("starting Spark 3.5.0 with Scala 2.12: 2 workers, 2 cores")
        assert started.ended() == 2
        said = "".join(started.said)
        assert "error: the master ended with exit code 7 before the cluster was complete" in said
        assert "  there is no memory" in said
        assert "Traceback" not in said
        started.assert_nothing_left([])


def test_the_guardian_kills_what_was_added_and_not_forgotten():
    assert guardian.guarded(b"") == set()
    assert guardian.guarded(b"+12\n+13\n-12\n") == {13}
    # A line that was not written to its end may be another number.
    assert guardian.guarded(b"+12\n+1") == {12}
    guardian.watch(io.BytesIO(b"+12\n-12\n"))


@pytest.mark.parametrize("name", STANDALONE)
def test_a_user_is_told_what_to_set(name: str):
    kind, plan = STANDALONE[name], Plan(Path("/home"), Path("/folder"), 8001, 8002)
    told = "\n".join(engine.told(kind, plan, "127.0.0.1:8099"))
    assert f"--set beam.engine={name} --set beam.workers=2" in told
    assert "--set beam.endpoint=127.0.0.1:8099" in told
    assert f"org.apache.beam:beam-runners-{name}" not in told
    assert f"(org.apache.beam:beam-runners-{name}" in "\n".join(engine.told(kind, plan, None))
