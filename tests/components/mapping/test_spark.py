"""Scoring on a real Spark cluster of two workers, one of which is killed with all that runs on it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import limbeck
from limbeck.cli.standing_cluster import StandingCluster
from limbeck.components.bulk_scoring import over_files, scoring
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.components.mapping.spark import connection
from limbeck.errors import ConfigError, UserError
from limbeck.reference import TaskRef
from limbeck.settings.beam import BeamConfig
from limbeck.trainer.process import interpreter
from tests import children
from tests.components.bulk_scoring.test_over_files import sorted_rows
from tests.components.bulk_scoring.test_scoring import job as job  # noqa: PLC0414, a fixture
from tests.components.bulk_scoring.test_scoring import rows_of, write_csv, written
from tests.components.mapping import spark_cluster
from tests.components.world import World
from tests.integration.runs import PROJECT

SITE = PROJECT / ".venv-spark"
pytestmark = [
    pytest.mark.processes,
    pytest.mark.long,
    pytest.mark.skipif(not (SITE / "pyspark").is_dir(), reason="Spark is not installed: make .venv-spark/ready"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
]

FILES, ROWS = 12, 7200


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingCluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SITE))
        with spark_cluster.running(tmp_path_factory.mktemp("spark")) as made:
            yield made


def test_a_worker_that_is_killed_half_way_changes_nothing(
    cluster: StandingCluster, job: ScoringJob, tmp_path: Path
):
    data = write_csv(tmp_path / "data", rows_of(ROWS), FILES)
    by_beam = dataclasses.replace(job, data=data, output=str(tmp_path / "beam"))
    assert scoring.score(by_beam, BeamConfig().flags()) == ROWS
    by_spark = dataclasses.replace(job, data=data, output=str(tmp_path / "spark"))
    left: list[int] = []

    def kill() -> None:
        while len(list(by_spark.unfinished.glob("answers/*.parquet"))) < FILES // 3:
            time.sleep(0.001)
        spark_cluster.kill(cluster.workers[0])
        left.append(FILES - len(list(by_spark.unfinished.glob("answers/*.parquet"))))

    killer = threading.Thread(target=kill)
    killer.start()
    assert over_files.score(by_spark, spark_cluster.settings(cluster)) == ROWS
    killer.join()
    assert left[0] > 0
    assert sorted_rows(by_spark.output) == sorted_rows(by_beam.output)
    assert len(list((tmp_path / "spark").iterdir())) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beam", "data", "spark"]
    # An interrupt is ours again, and the driver's Java has ended. Both stayed, and other tests failed of them.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert children.running("org.apache.spark.deploy.SparkSubmit") == []


def test_a_data_frame_gets_the_answers_of_predict(
    cluster: StandingCluster, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from pyspark.sql import SparkSession

    shutil.copytree(f"{world.models['student'].uri}/Format-Serving", tmp_path / "root" / "serving" / "1")
    rows = [{"id": number, **row} for number, row in enumerate(world.rows["train"])]
    table = pa.Table.from_pylist([{name: row[name] for name in ("id", "size", "colour")} for row in rows])
    pq.write_table(table, tmp_path / "rows.parquet")
    task = TaskRef("tests.components.shapes")
    model, output = str(tmp_path / "root" / "serving" / "1"), str(tmp_path / "out")
    job = ScoringJob(task, model, str(tmp_path / "rows.parquet"), "parquet", "utf-8", output, ("id",))
    assert scoring.score(job, BeamConfig().flags()) == len(rows)
    predicted = {int(one.pop("id")): one for one in written(output)}

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    path = interpreter.environment(os.environ)["PYTHONPATH"]
    builder = SparkSession.builder.master(cluster.kind.address(cluster.plan)).config(
        "spark.executorEnv.PYTHONPATH", path
    )
    session = builder.config("spark.ui.enabled", "false").getOrCreate()
    try:
        frame = session.read.parquet(str(tmp_path / "rows.parquet")).withColumnRenamed("colour", "paint")
        udf = limbeck.student_udf(session, str(tmp_path / "root"))
        with pytest.raises(ConfigError, match=r"has no feature 'length': it takes colour, size"):
            udf(length=frame.size)
        found = frame.withColumn("answer", udf(colour=frame.paint)).collect()
    finally:
        session.stop()
        connection.end_java()
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert len(found) == len(rows)
    for one in found:
        assert {"place": predicted[one.id]["place"], **one.answer.asDict()} == predicted[one.id]


def test_a_cluster_that_loses_its_last_worker_is_told(
    cluster: StandingCluster, job: ScoringJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Spark waits for another one for ever. Tests that need a worker must stand above this one."""
    # A machine with much to do starts no executor in the seconds that are enough to see that one is gone.
    await_executor = connection._await_executor
    patient = spark_cluster.settings(cluster)
    monkeypatch.setattr(connection, "_await_executor", lambda context, _: await_executor(context, patient))
    given = dataclasses.replace(
        job, data=write_csv(tmp_path / "data", rows_of(ROWS), FILES), output=str(tmp_path / "out")
    )

    def kill() -> None:
        while not list(given.unfinished.glob("answers/*.parquet")):
            time.sleep(0.001)
        spark_cluster.kill(cluster.workers[1])

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(UserError, match=r"has lost its master or all its workers, and none came within 2 s"):
        over_files.score(given, spark_cluster.settings(cluster, 2.0))
    killer.join()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_context_that_spark_has_given_up_is_told(cluster: StandingCluster):
    """Spark gives up after a minute if another program listens at the address. It ended in a traceback of Java."""
    settings = spark_cluster.settings(cluster)
    with connection._context(settings) as context:
        context._jsc.sc().stop()
        with pytest.raises(UserError, match=r"gave no executor within 60 s: see whether"):
            connection._await_executor(context, settings)


def test_a_context_that_spark_gives_up_between_two_jobs_is_told(cluster: StandingCluster):
    """As where its master removes an application. The next job ended in a traceback of Java."""
    settings = spark_cluster.settings(cluster)
    with connection._context(settings) as context:
        context._jsc.sc().stop()
        workers = connection.SparkCluster(context, settings, "")
        assert workers.room == 1
        with pytest.raises(UserError, match="has lost its master or all its workers"):
            workers.map(abs, [-3])


def test_a_cluster_without_a_worker_is_told(cluster: StandingCluster, job: ScoringJob, tmp_path: Path):
    given = dataclasses.replace(job, data=write_csv(tmp_path / "data", rows_of(4)), output=str(tmp_path / "out"))
    with pytest.raises(UserError, match=r"gave no executor within 1 s"):
        over_files.score(given, spark_cluster.settings(cluster, 1.0))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
