"""Scoring on a real Spark cluster of two workers, one of which is killed with all that runs on it."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from limbeck.components.bulk_scoring import over_files, scoring
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.errors import UserError
from limbeck.settings.beam import BeamConfig
from tests.components.bulk_scoring.test_over_files import sorted_rows
from tests.components.bulk_scoring.test_scoring import job as job  # noqa: PLC0414, a fixture
from tests.components.bulk_scoring.test_scoring import rows_of, write_csv
from tests.components.mapping.spark_cluster import SparkCluster
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
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SITE))
        made = SparkCluster(tmp_path_factory.mktemp("spark"))
        try:
            made.add()
            made.add()
            yield made
        finally:
            made.end()


def test_a_worker_that_is_killed_half_way_changes_nothing(cluster: SparkCluster, job: ScoringJob, tmp_path: Path):
    data = write_csv(tmp_path / "data", rows_of(ROWS), FILES)
    by_beam = dataclasses.replace(job, data=data, output=str(tmp_path / "beam"))
    assert scoring.score(by_beam, BeamConfig().flags()) == ROWS
    by_spark = dataclasses.replace(job, data=data, output=str(tmp_path / "spark"))
    left: list[int] = []

    def kill() -> None:
        while len(list(by_spark.unfinished.glob("answers/*.parquet"))) < FILES // 3:
            time.sleep(0.001)
        cluster.kill(cluster.workers[0])
        left.append(FILES - len(list(by_spark.unfinished.glob("answers/*.parquet"))))

    killer = threading.Thread(target=kill)
    killer.start()
    assert over_files.score(by_spark, cluster.settings()) == ROWS
    killer.join()
    assert left[0] > 0
    assert sorted_rows(by_spark.output) == sorted_rows(by_beam.output)
    assert len(list((tmp_path / "spark").iterdir())) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beam", "data", "spark"]


def test_a_cluster_without_a_worker_is_told(cluster: SparkCluster, job: ScoringJob, tmp_path: Path):
    """The last test of this file: it ends the cluster's last worker."""
    cluster.kill(cluster.workers[1])
    given = dataclasses.replace(job, data=write_csv(tmp_path / "data", rows_of(4)), output=str(tmp_path / "out"))
    with pytest.raises(UserError, match=r"gave no executor within 1 s"):
        over_files.score(given, cluster.settings(1.0))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
