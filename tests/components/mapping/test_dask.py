"""Scoring on a real Dask cluster of two workers, one of which is killed; and clusters that are refused."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from tfx.types.artifact import Artifact

from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.cli.main import main
from limbeck.components.bulk_scoring import over_files, scoring
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.components.mapping.cluster import Needs, connected
from limbeck.components.mapping.dask import connection, futures
from limbeck.components.predictor import over_files as predictor
from limbeck.components.predictor.asked import AskedModels
from limbeck.digests.sources import ROOT
from limbeck.errors import DataError, UserError
from limbeck.models import MODELS, STUDENT, TEACHER
from limbeck.records import to_json
from limbeck.reference import TaskRef
from limbeck.settings import operational
from limbeck.settings.beam import BeamConfig
from limbeck.settings.config import Config
from limbeck.settings.data import DataConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.operational import Operational
from limbeck.settings.scoring import ScoringConfig
from tests.components.bulk_scoring.test_over_files import sorted_rows
from tests.components.bulk_scoring.test_scoring import job as job  # noqa: PLC0414, a fixture
from tests.components.bulk_scoring.test_scoring import rows_of, write_csv
from tests.components.mapping import here
from tests.components.mapping.dask_cluster import OTHER_VERSION, DaskCluster
from tests.components.predictor.test_executor import labelled_examples
from tests.components.teacher_labeler.test_executor import doubled, label
from tests.components.world import SIZES, World, read_split
from tests.launchers.kubernetes.kubelet import ENTER

pytestmark = [pytest.mark.processes, pytest.mark.long]

FILES, ROWS = 12, 6000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler, and two workers until a test kills one."""
    made = DaskCluster(tmp_path_factory.mktemp("dask"))
    try:
        made.add()
        made.add()
        made.await_workers()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_csv(tmp_path_factory.mktemp("rows") / "data", rows_of(ROWS), FILES)


class Killer(threading.Thread):
    """Kills the first worker that is seen writing when a third of the answers is there."""

    def __init__(self, unfinished: Path, workers: list[subprocess.Popen[str]]) -> None:
        super().__init__()
        self._unfinished, self._workers = unfinished, workers
        self.half_written: list[str] = []
        self.killed: subprocess.Popen[str] | None = None

    def run(self) -> None:
        while self.killed is None:
            time.sleep(0.001)
            if len(list(self._unfinished.glob("answers/*.parquet"))) >= FILES // 3:
                self._kill_a_writer()

    def _kill_a_writer(self) -> None:
        for each in self._workers:
            # Nothing is renamed between the look and the end.
            each.send_signal(signal.SIGSTOP)
            found = [one.path for one in psutil.Process(each.pid).open_files() if "/writing/" in one.path]
            if found:
                each.kill()
                self.half_written, self.killed = found, each
                return
            each.send_signal(signal.SIGCONT)


def test_a_worker_that_is_killed_while_it_writes_changes_nothing(
    cluster: DaskCluster, job: ScoringJob, data: str, tmp_path: Path
):
    by_beam = dataclasses.replace(job, data=data, output=str(tmp_path / "beam"))
    assert scoring.score(by_beam, BeamConfig().flags()) == ROWS
    by_dask = dataclasses.replace(job, data=data, output=str(tmp_path / "dask"))
    killer = Killer(by_dask.unfinished, cluster.workers)
    killer.start()
    assert over_files.score(by_dask, cluster.settings()) == ROWS
    killer.join()

    assert killer.killed is not None and killer.killed.wait() == -signal.SIGKILL
    assert len(killer.half_written) == 1
    assert sorted_rows(by_dask.output) == sorted_rows(by_beam.output)
    names = sorted(path.name for path in (tmp_path / "dask").iterdir())
    assert names == [f"answers-{number:05d}-of-{FILES:05d}.parquet" for number in range(FILES)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beam", "dask"]


def test_predict_takes_the_cluster(
    cluster: DaskCluster, job: ScoringJob, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    root = RunFolder(tmp_path / "root")
    root.serving.mkdir(parents=True)
    shutil.copytree(job.model, root.serving / "1")
    request = Request(job.task, Config(data=DataConfig(path="/data", format="csv")))
    root.request_file.write_text(to_json(request), encoding="utf-8")
    settings = ("scoring.engine=dask", f"scoring.address={cluster.address}")
    arguments = [data, str(tmp_path / "out"), "--root", str(root.root), "--keep", "id"]
    code = main(["predict", *arguments, *(part for one in settings for part in ("--set", one))])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert f"scored {ROWS:,} rows" in said.out
    assert len(list((tmp_path / "out").glob("*.parquet"))) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "root"]


def test_teachers_label_on_the_cluster_what_they_label_on_beam(
    cluster: DaskCluster, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    examples = doubled(world, tmp_path / "doubled")
    by_beam = label(world, tmp_path / "beam", LabellingConfig(), examples)
    settings = Operational(scoring=cluster.settings()).environment()
    monkeypatch.setenv(operational.ENVIRONMENT, settings[operational.ENVIRONMENT])
    by_dask = label(world, tmp_path / "dask", LabellingConfig(), examples)
    for split in SIZES:
        assert sorted(read_split(by_dask, split)) == sorted(read_split(by_beam, split))


def test_students_predict_on_the_cluster_what_they_predict_here(
    cluster: DaskCluster, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With a compressed student, and the teachers' ensemble as the students of further seeds."""
    labelled = labelled_examples(world, tmp_path / "labelled", dict(world.transformed))
    folders = {name: f"{world.models[name].uri}/Format-Serving" for name in MODELS}
    task = TaskRef("tests.components.shapes")
    models = AskedModels.of(folders, {STUDENT: folders[TEACHER]}, task, LabellingConfig())
    found = {}
    for name, settings in (("here", here.register(monkeypatch)), ("dask", cluster.settings())):
        output, scratch = tmp_path / name, tmp_path / f"{name}-scratch"
        for folder in (output, scratch):
            folder.mkdir()
        places = (str(output), str(scratch))
        parts = [one for split in SIZES for one in predictor.parts_of(split, sources(labelled, split), *places)]
        parts += predictor.parts_of("test", sources(labelled, "test"), *places, seeds=True)
        with connected(settings, Needs(task, str(scratch), ())) as workers:
            predictor.predict(parts, models, workers)
        found[name] = {path.name: pq.read_table(path) for path in output.iterdir()}
        assert list(scratch.iterdir()) == []
    assert found["dask"] == found["here"]
    assert sum(map(len, found["dask"].values())) > sum(SIZES.values())


def sources(examples: Artifact, split: str) -> list[str]:
    return sorted(str(path) for path in Path(examples.uri, f"Split-{split}").iterdir())


def test_a_wrong_row_is_named_as_beam_names_it(cluster: DaskCluster, job: ScoringJob, tmp_path: Path):
    rows = rows_of(40)
    rows[21]["size"] = ""
    given = dataclasses.replace(job, data=write_csv(tmp_path / "data", rows), output=str(tmp_path / "out"))
    with pytest.raises(DataError) as by_beam:
        scoring.score(given, BeamConfig().flags())
    with pytest.raises(DataError) as by_dask:
        over_files.score(given, cluster.settings())
    assert str(by_dask.value) == str(by_beam.value)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def refused(cluster: DaskCluster, job: ScoringJob, data: str, folder: Path, worker: subprocess.Popen[str]) -> str:
    """What is said when a further worker has come, which then goes again."""
    cluster.await_workers()
    given = dataclasses.replace(job, data=data, output=str(folder / "out"))
    try:
        with pytest.raises(UserError) as found:
            over_files.score(given, cluster.settings())
    finally:
        worker.kill()
        worker.wait()
        cluster.await_workers()
    assert not (folder / "out").exists() and not given.unfinished.exists()
    return str(found.value)


def test_a_worker_that_has_no_code_is_refused(cluster: DaskCluster, job: ScoringJob, data: str, tmp_path: Path):
    said = refused(cluster, job, data, tmp_path, cluster.add(without_code()))
    assert "lacks what scoring needs" in said and "No module named 'limbeck'" in said


def without_code() -> dict[str, str]:
    """Variables of a process that finds Dask, and not Limbeck."""
    places = [place for place in sys.path if Path(place, "distributed").is_dir()]
    return {"PYTHONPATH": ":".join(places)}


def test_a_scheduler_that_has_no_code_is_refused(job: ScoringJob, data: str, tmp_path: Path):
    other = DaskCluster(tmp_path, variables=without_code())
    try:
        given = dataclasses.replace(job, data=data, output=str(tmp_path / "out"))
        with pytest.raises(
            UserError, match=r"all processes of a Dask cluster must find Limbeck, but the scheduler"
        ):
            over_files.score(given, other.settings())
    finally:
        other.end()


def test_a_worker_with_other_code_is_refused(cluster: DaskCluster, job: ScoringJob, data: str, tmp_path: Path):
    stale = tmp_path / "stale"
    shutil.copytree(ROOT / "limbeck", stale / "limbeck", ignore=shutil.ignore_patterns("__pycache__", "tasks"))
    errors = stale / "limbeck" / "errors.py"
    errors.write_text(errors.read_text(encoding="utf-8") + "\nOLDER = True\n", encoding="utf-8")
    said = refused(cluster, job, data, tmp_path, cluster.add({"PYTHONPATH": f"{stale}:{':'.join(sys.path)}"}))
    assert "every worker must run and see what the pipeline does" in said
    assert "Limbeck's code with digest" in said


def test_a_worker_that_does_not_share_the_folder_is_refused(
    cluster: DaskCluster, job: ScoringJob, data: str, tmp_path: Path
):
    shared = tmp_path / "shared"
    shared.mkdir()
    hide = [*ENTER, 'mount -t tmpfs tmpfs "$0" && exec "$@"', str(shared)]
    if subprocess.run([*hide, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no process of this machine may have folders of its own")
    said = refused(cluster, job, data, shared, cluster.add(before=hide))
    assert f"does not find {shared}/.out.unfinished/writing/.limbeck-seal-" in said


def test_a_cluster_without_a_worker_is_told(job: ScoringJob, data: str, tmp_path: Path):
    empty = DaskCluster(tmp_path)
    try:
        given = dataclasses.replace(job, data=data, output=str(tmp_path / "out"))
        with pytest.raises(UserError, match=r"has no worker, and none came within 0\.5 s"):
            over_files.score(given, empty.settings(0.5))
    finally:
        empty.end()


def test_an_item_that_kills_its_workers_is_named(job: ScoringJob, tmp_path: Path):
    deadly = DaskCluster(tmp_path)
    nanny = deadly.add(nanny="--nanny")
    try:
        with (
            connected(deadly.settings(), Needs(job.task, str(tmp_path), ())) as workers,
            pytest.raises(UserError, match=r"4 workers of the Dask cluster died .* while they worked on 3; the"),
        ):
            workers.map(os._exit, [3])
        # It ends its worker, too.
        nanny.terminate()
        nanny.wait()
    finally:
        deadly.end()


def test_a_scheduler_of_another_version_is_refused(job: ScoringJob, data: str, tmp_path: Path):
    other = DaskCluster(tmp_path, ("-c", OTHER_VERSION))
    try:
        given = dataclasses.replace(job, data=data, output=str(tmp_path / "out"))
        with pytest.raises(UserError, match=r"distributed 2024\.7\.1 \(the pipeline: 2024\.8\.0\)"):
            over_files.score(given, other.settings())
    finally:
        other.end()


def test_what_is_no_scheduler_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "_CONNECT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = ScoringConfig("dask", f"tcp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(UserError, match="is no scheduler of Dask"), connection.connected(settings, ""):
            raise AssertionError("it never says a word")


def test_a_scheduler_that_ends_while_it_gives_a_result_is_told(
    job: ScoringJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Dask then raises an error of the socket, and not the one of a lost scheduler: the run ended in a traceback."""
    other = DaskCluster(tmp_path)
    fetched = futures.DaskCluster._fetched

    def while_it_ends(self: futures.DaskCluster, future: Any, item: Any) -> Any:
        other.scheduler.send_signal(signal.SIGSTOP)
        threading.Timer(0.5, other.scheduler.kill).start()
        return fetched(self, future, item)

    monkeypatch.setattr(futures.DaskCluster, "_fetched", while_it_ends)
    try:
        other.add()
        with (
            connected(other.settings(), Needs(job.task, str(tmp_path), ())) as workers,
            pytest.raises(UserError, match="the connection to the Dask scheduler"),
        ):
            workers.map(abs, [-3])
    finally:
        other.end()


def test_a_scheduler_that_is_long_gone_is_told(job: ScoringJob, tmp_path: Path):
    """Dask gives up after some seconds, and then takes no work: a run that was busy by itself ended in a traceback."""
    other = DaskCluster(tmp_path)
    try:
        other.add()
        with connected(other.settings(), Needs(job.task, str(tmp_path), ())) as workers:
            assert isinstance(workers, futures.DaskCluster)
            workers._client._timeout = 1.0
            other.scheduler.kill()
            while workers._client.status != "closed":
                time.sleep(0.05)
            with pytest.raises(UserError, match="the connection to the Dask scheduler"):
                workers.map(abs, [-3])
    finally:
        other.end()


def test_the_end_of_the_scheduler_ends_the_job(cluster: DaskCluster, job: ScoringJob, data: str, tmp_path: Path):
    """The last test of this file: it ends the cluster."""
    given = dataclasses.replace(job, data=data, output=str(tmp_path / "out"))

    def kill() -> None:
        while not list(given.unfinished.glob("answers/*.parquet")):
            time.sleep(0.001)
        cluster.scheduler.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(UserError, match="the connection to the Dask scheduler"):
        over_files.score(given, cluster.settings())
    killer.join()
    assert list(tmp_path.iterdir()) == []
