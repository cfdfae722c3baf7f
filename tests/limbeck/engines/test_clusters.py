"""What is refused before a job is sent to Flink or Spark: another jar, Java or cluster, or none."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from limbeck.engines import flink_rest, java, job_server_jar
from limbeck.engines.kind import Ports, Processes
from limbeck.engines.registry import engine_kind
from limbeck.errors import ConfigError
from limbeck.settings.beam import BeamConfig
from tests.limbeck.engines.clusters import FlinkRest, write_jar, write_java

NAME = "beam-runners-flink-1.19-job-server-2.64.0.jar"
SPARK_NAME = "beam-runners-spark-3-job-server-2.64.0.jar"
PROCESSES = Processes("localhost:8099", "localhost:50000", None, "limbeck_identity=abc", "limbeck-1")


def flink(jar: Path | str = "/jar", master: str = "http://127.0.0.1:8081", workers: int = 2) -> BeamConfig:
    return BeamConfig(engine="flink", job_server_jar=str(jar), master=master, workers=workers)


@pytest.mark.parametrize(
    ("name", "properties", "found"),
    [
        (NAME, "", ("2.64.0", "1.19")),
        ("server.jar", "version=2.64.0\n", ("2.64.0", None)),
        # The jar knows better than whoever named it.
        (NAME, "# made\nversion=2.63.0\n", ("2.63.0", "1.19")),
        ("server.jar", "", (None, None)),
    ],
)
def test_what_a_jar_is_made_for(name: str, properties: str, found: tuple[str | None, str | None], tmp_path: Path):
    jar = job_server_jar.read(write_jar(tmp_path / name, "flink", properties))
    assert (jar.engine, jar.beam, jar.flink) == ("flink", *found)


def test_the_jar_of_another_engine_or_version_is_refused(tmp_path: Path):
    jar = write_jar(tmp_path / SPARK_NAME, "spark")
    job_server_jar.assert_fits(jar, "spark", "2.64.0")
    with pytest.raises(ConfigError, match=r"is a job server for spark, but the engine is flink"):
        job_server_jar.assert_fits(jar, "flink", "2.64.0")
    with pytest.raises(ConfigError, match=r"must be of Beam 2\.65\.0, .* is of Beam 2\.64\.0"):
        job_server_jar.assert_fits(jar, "spark", "2.65.0")
    with pytest.raises(ConfigError, match=r"neither .* nor its name says its version"):
        job_server_jar.assert_fits(write_jar(tmp_path / "server.jar"), "flink", "2.64.0")


def test_a_file_that_is_no_job_server_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="names no file"):
        job_server_jar.read(tmp_path / "nowhere.jar")
    (tmp_path / "page.jar").write_text("<html>404</html>", encoding="utf-8")
    with pytest.raises(ConfigError, match="must be a jar that can be read"):
        job_server_jar.read(tmp_path / "page.jar")
    other = write_jar(tmp_path / "beam-runners-flink-1.19-2.64.0.jar", main="org.example.Main")
    with pytest.raises(ConfigError, match="has another main class"):
        job_server_jar.read(other)


def test_java(tmp_path: Path):
    for version, number in (("1.8.0_412", 8), ("11.0.2", 11), ("17.0.15", 17)):
        program = write_java(tmp_path / version, version)
        assert java.find({"JAVA_HOME": str(tmp_path / version)}) == str(program)
        assert java.find({"PATH": str(program.parent)}) == str(program)
        assert java.version(str(program)) == number
    for version in ("21.0.1", "1.7.0"):
        with pytest.raises(ConfigError, match="needs Java 8, 11 or 17"):
            java.version(str(write_java(tmp_path / version, version)))
    with pytest.raises(ConfigError, match="there is no java on PATH"):
        java.find({"PATH": str(tmp_path)})
    with pytest.raises(ConfigError, match="has no bin/java"):
        java.find({"JAVA_HOME": str(tmp_path), "PATH": str(program.parent)})


def test_java_8_knows_no_modules():
    assert not [one for one in java.options(8) if one.startswith("--add-opens")]
    assert "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED" in java.options(17)


def test_a_cluster_of_flink_is_looked_at():
    with FlinkRest("1.19.3", slots=2).serving() as master:
        flink_rest.assert_fits(master, "1.19", 2)
        flink_rest.assert_fits(master, None, 2)
        for wrong in ("1.18", "1.1"):
            with pytest.raises(ConfigError, match=rf"for Flink {wrong}, but the cluster .* is Flink 1\.19\.3"):
                flink_rest.assert_fits(master, wrong, 2)
        with pytest.raises(ConfigError, match=r"beam\.workers=3 .* has 2 slots"):
            flink_rest.assert_fits(master, "1.19", 3)
    with pytest.raises(ConfigError, match="does not answer as one does"):
        flink_rest.assert_fits(master, "1.19", 2)


def test_the_jobs_of_a_run_are_cancelled_on_flink_and_no_others():
    rest = FlinkRest()
    rest.jobs = [
        {"jid": "a", "name": "limbeck-1", "state": "RUNNING"},
        {"jid": "b", "name": "limbeck-1", "state": "FINISHED"},
        {"jid": "c", "name": "limbeck-2", "state": "RUNNING"},
    ]
    with rest.serving() as master:
        assert engine_kind("flink").cancel(flink(master=master), "limbeck-1") == ["a"]
    assert rest.cancelled == ["/jobs/a?mode=cancel"]


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"engine": "flink"}, "org.apache.beam:beam-runners-flink-1.19-job-server:2.64.0"),
        ({"engine": "spark", "job_server_jar": "/jar"}, "org.apache.beam:beam-runners-spark-3-job-server:2.64.0"),
        ({"engine": "flink", "endpoint": "a:1", "job_server_jar": "/jar"}, "would start a second one"),
        ({"engine": "flink", "endpoint": "a:1", "master": "spark://a:7077"}, "such as http://127.0.0.1:8081"),
        ({"engine": "spark", "endpoint": "a:1", "master": "a:7077"}, "such as spark://127.0.0.1:7077"),
        ({"engine": "portable", "master": "http://a:8081"}, "beam.engine=portable has no cluster"),
        ({"job_server_jar": "/jar"}, "beam.engine=local has no cluster"),
    ],
)
def test_a_cluster_without_a_job_server_and_a_job_server_without_a_cluster(settings: dict[str, str], wrong: str):
    with pytest.raises(ConfigError) as raised:
        BeamConfig(**settings)
    assert wrong in str(raised.value)


def test_a_run_looks_at_jar_java_and_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    jar = write_jar(tmp_path / NAME)
    write_java(tmp_path / "jdk", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    with FlinkRest("1.19.1").serving() as master:
        engine_kind("flink").check_machine(flink(jar, master))
        other = write_jar(tmp_path / NAME.replace("1.19", "1.18"))
        with pytest.raises(ConfigError, match=r"for Flink 1\.18"):
            engine_kind("flink").check_machine(flink(other, master))
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        with pytest.raises(ConfigError, match="has no bin/java"):
            engine_kind("flink").check_machine(flink(jar, master))


def test_a_master_of_spark_must_listen():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        settings = BeamConfig(
            engine="spark",
            endpoint=None,
            job_server_jar="/jar",
            master=f"spark://127.0.0.1:{listening.getsockname()[1]}",
        )
        with pytest.raises(ConfigError, match=r"beam\.master must be an address that listens"):
            engine_kind("spark").check_cluster(settings, str(settings.master), None)
        listening.listen()
        engine_kind("spark").check_cluster(settings, str(settings.master), None)


@pytest.mark.parametrize(
    ("engine", "option", "master"),
    [("flink", "--flink-master", "http://a:8081"), ("spark", "--spark-master-url", "spark://a:7077")],
)
def test_the_command_of_a_job_server(
    engine: str, option: str, master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    program = write_java(tmp_path, "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    settings = BeamConfig(engine=engine, job_server_jar="/jar", master=master)
    command = engine_kind(engine).job_server(settings, Ports(1001, 1002), Path("/shared/staged"))
    assert command is not None
    assert command[0] == str(program)
    assert command[command.index("-jar") :] == (
        *(
            "-jar",
            "/jar",
            option,
            master,
            "--job-host",
            "127.0.0.1",
            "--job-port",
            "1001",
            "--artifact-port",
            "1002",
        ),
        *("--expansion-port", "-1", "--artifacts-dir", "/shared/staged"),
    )


def test_beam_reads_the_flags_of_a_cluster():
    from apache_beam.options import pipeline_options

    options = pipeline_options.PipelineOptions(list(flink(workers=3).flags(PROCESSES)))
    assert options.view_as(pipeline_options.FlinkRunnerOptions).parallelism == 3
    assert options.view_as(pipeline_options.PortableOptions).environment_cache_millis == "3600000"
    debugging = options.view_as(pipeline_options.DebugOptions)
    assert debugging.lookup_experiment("pre_optimize") == "all_except_fusion"
    # The job server knows the cluster, and what the pipeline says would overrule it.
    assert options.view_as(pipeline_options.FlinkRunnerOptions).flink_master == "[auto]"
