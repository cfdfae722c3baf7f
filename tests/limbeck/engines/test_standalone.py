"""What a cluster on one machine is made of: versions, configuration files, commands, and how its answers are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from limbeck.engines.job_server_jar import JobServerJar
from limbeck.engines.standalone.flink import configuration, java_options
from limbeck.engines.standalone.kind import Overview, Plan
from limbeck.engines.standalone.registry import STANDALONE
from limbeck.errors import ConfigError
from tests.limbeck.engines.installations import FLINK_CONFIGURATION, write_flink, write_spark

FLINK, SPARK = STANDALONE["flink"], STANDALONE["spark"]
PLAN = Plan(Path("/opt/engine"), Path("/tmp/it's here"), 8001, 8002, workers=3, cores=2)


@pytest.mark.parametrize(
    ("kind", "jar", "version"),
    [
        (SPARK, "spark-core_2.12-3.5.0.jar", "3.5.0 with Scala 2.12"),
        (SPARK, "spark-core_2.13-4.0.1.jar", "4.0.1 with Scala 2.13"),
        (SPARK, "spark-core.jar", None),
        (FLINK, "flink-dist-1.19.3.jar", "1.19.3"),
        (FLINK, "flink-dist-cache.jar", None),
    ],
)
def test_a_jar_tells_the_version(kind, jar, version):
    assert kind.version_of(jar) == version


def test_the_supported_versions_pass(tmp_path: Path):
    assert SPARK.check(write_spark(tmp_path / "spark")) == "3.5.0 with Scala 2.12"
    flink = write_flink(tmp_path / "flink")
    for jar in (None, JobServerJar("flink", "2.64.0", "1.19"), JobServerJar("flink", "2.64.0", None)):
        assert FLINK.check(flink, jar) == "1.19.3"


def test_another_version_is_refused(tmp_path: Path):
    # Another patch of Spark, or another Scala, cannot read the job server's classes.
    for version, scala in (("3.5.1", "2.12"), ("3.5.0", "2.13")):
        home = write_spark(tmp_path / f"{version}-{scala}", version, scala)
        with pytest.raises(ConfigError, match=rf"for Spark 3\.5\.0 .* holds Spark {version} with Scala {scala}"):
            SPARK.check(home)
    for version in ("1.18.1", "1.2.0", "2.0.0"):
        with pytest.raises(
            ConfigError, match=rf"for Flink 1\.19, but .* holds Flink {version}: make install-flink"
        ):
            FLINK.check(write_flink(tmp_path / version, version))
    with pytest.raises(
        ConfigError, match=r"job server is for Flink 1\.18, but the cluster would be Flink 1\.19\.3"
    ):
        FLINK.check(write_flink(tmp_path / "flink"), JobServerJar("flink", "2.64.0", "1.18"))


def test_a_folder_without_an_installation_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="there is no"):
        SPARK.find(tmp_path / "nowhere")
    for kind in (FLINK, SPARK):
        assert kind.find(tmp_path) == tmp_path
        with pytest.raises(ConfigError, match=f"{kind.install}, or give another folder"):
            kind.check(tmp_path)
    # Two versions in one folder are no version.
    home = write_spark(tmp_path / "spark")
    (home / "jars" / "spark-core_2.12-3.4.0.jar").touch()
    with pytest.raises(ConfigError, match="holds none"):
        SPARK.check(home)


def test_what_is_not_installed_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch):
    for kind in (FLINK, SPARK):
        monkeypatch.setattr(type(kind), "installed", lambda self: None)
        with pytest.raises(ConfigError, match=f"not installed here: make install-{kind.name}, or give --home"):
            kind.find(None)


def test_flink_listens_on_the_loopback_address_and_writes_into_its_folder():
    found = yaml.safe_load(configuration(PLAN, "--add-opens=x"))
    hosts = {key: value for key, value in found.items() if key.endswith(("host", "address"))}
    assert set(hosts.values()) == {"127.0.0.1"}
    assert set(hosts) == {
        *("jobmanager.rpc.address", "jobmanager.bind-host", "taskmanager.host", "taskmanager.bind-host"),
        *("rest.address", "rest.bind-address"),
    }
    places = [value for key, value in found.items() if key.endswith((".dirs", ".directory", "tmpdir"))]
    assert places == [str(PLAN.temporary)] * 3
    assert (found["rest.port"], found["jobmanager.rpc.port"], found["taskmanager.numberOfTaskSlots"]) == (
        8001,
        8002,
        2,
    )
    assert found["env.java.opts.all"] == "--add-opens=x"


def test_what_flink_reaches_into_is_taken_from_its_installation(tmp_path: Path):
    assert java_options(FLINK_CONFIGURATION) == "--add-opens=java.base/java.util=ALL-UNNAMED"
    assert java_options("env: {java: {}}") == java_options("") == ""
    with pytest.raises(ConfigError, match="cannot be read"):
        java_options("env: [")
    home = write_flink(tmp_path)
    plan = Plan(home, tmp_path, 8001, 8002)
    files = FLINK.files(plan)
    assert set(files) == {"config.yaml", "log4j-console.properties"}
    assert java_options(FLINK_CONFIGURATION) in files["config.yaml"]
    (home / "conf" / "config.yaml").unlink()
    with pytest.raises(ConfigError, match=r"which has conf/config\.yaml"):
        FLINK.files(plan)


def test_the_processes_of_flink():
    master, worker = FLINK.master(PLAN), FLINK.worker(PLAN, 2)
    assert master.command == ("/opt/engine/bin/jobmanager.sh", "start-foreground")
    assert worker.command == ("/opt/engine/bin/taskmanager.sh", "start-foreground")
    assert (master.name, worker.name) == ("JobManager", "worker 2")
    assert worker.variables["FLINK_CONF_DIR"] == str(PLAN.configuration)
    # They would be in the installation, and in /tmp.
    assert worker.variables["FLINK_LOG_DIR"] == worker.variables["FLINK_PID_DIR"] == str(PLAN.temporary)
    # Two processes of one name would write one file.
    assert master.variables["FLINK_IDENT_STRING"] != worker.variables["FLINK_IDENT_STRING"]


def test_the_processes_of_spark():
    master, worker = SPARK.master(PLAN), SPARK.worker(PLAN, 2)
    assert master.command == (
        *("/opt/engine/bin/spark-class", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1"),
        *("--port", "8001", "--webui-port", "8002"),
    )
    assert worker.command == (
        *("/opt/engine/bin/spark-class", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1"),
        *("spark://127.0.0.1:8001", "--cores", "2", "--memory", "1g", "--webui-port", "0"),
        *("--work-dir", f"{PLAN.folder}/work"),
    )
    # Where the pages listen.
    assert worker.variables["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert worker.variables["SPARK_CONF_DIR"] == str(PLAN.configuration)


@pytest.mark.parametrize(
    ("kind", "answer", "found"),
    [
        (SPARK, {"status": "ALIVE", "aliveworkers": 2, "cores": 4}, Overview(2, 4)),
        (FLINK, {"taskmanagers": 3, "slots-total": 5, "flink-version": "1.19.3"}, Overview(3, 5)),
        (FLINK, {"errors": ["not found"]}, None),
        (SPARK, {"aliveworkers": None, "cores": 4}, None),
        (SPARK, [], None),
    ],
)
def test_answers_are_read(kind, answer, found):
    assert kind.overview(json.dumps(answer)) == found
    assert kind.overview(b"<html>") is None


def test_a_worker_without_its_slots_is_not_complete_yet():
    assert Overview(3, 6).complete(PLAN)
    assert not Overview(3, 4).complete(PLAN)
    assert not Overview(2, 6).complete(PLAN)


def test_what_a_cluster_is_good_for():
    [(_, beam)] = FLINK.uses(PLAN, "org.example:server:1", None)
    assert beam == (
        "--set beam.engine=flink --set beam.workers=6 --set beam.master=http://127.0.0.1:8001 "
        "--set beam.job_server_jar=JAR (org.example:server:1 of Maven)"
    )
    beam, scoring = (settings for _, settings in SPARK.uses(PLAN, "org.example:server:1", "127.0.0.1:8099"))
    assert beam.endswith("--set beam.master=spark://127.0.0.1:8001 --set beam.endpoint=127.0.0.1:8099")
    assert scoring == "--set scoring.engine=spark --set scoring.address=spark://127.0.0.1:8001"
