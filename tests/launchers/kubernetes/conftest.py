"""A cluster on this machine, and a launcher in it."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from limbeck import files
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.kubernetes.launcher import KubernetesLauncher
from limbeck.launchers.supervisor import supervise
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from limbeck.settings.pods import PodsConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer.job import TrainingJob
from tests.launchers import jobs
from tests.launchers.kubernetes.bodies import step_pod
from tests.launchers.kubernetes.server import ApiServer

ONCE = RecoveryConfig(restarts=0)


@dataclasses.dataclass
class Launched:
    """A launch in a thread: its result, or what it raised."""

    thread: threading.Thread
    outcome: list[Any]

    def finish(self) -> Any:
        self.thread.join(60)
        assert not self.thread.is_alive(), "the launch goes on"
        [found] = self.outcome
        if isinstance(found, BaseException):
            raise found
        return found


@dataclasses.dataclass
class World:
    """A cluster whose pods do what a test says, and the folder that pods and launcher share."""

    server: ApiServer
    folder: Path

    def settings(self, **changes: Any) -> PodsConfig:
        shared = {"staging": f"{self.folder}/staging", "claim": "data", "mount": str(self.folder)}
        return PodsConfig(**(shared | changes))

    def job(self, processes: int = 2) -> TrainingJob:
        return jobs.job(self.folder / "job", processes)

    def launch(
        self, processes: int = 2, recovery: RecoveryConfig = ONCE, settle: float = 0.3, **changes: Any
    ) -> Launched:
        """Launches a job, with one attempt if not said otherwise."""
        launcher = KubernetesLauncher(self.settings(**changes), settle=settle)
        outcome: list[Any] = []

        def run() -> None:
            try:
                job, cluster = launcher.stage(self.job(processes)), Cluster(workers=processes - 1)
                once = recovery.restarts == 0
                outcome.append(supervise(lambda: launcher.launch(job, cluster, recovery), recovery, once=once))
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return Launched(thread, outcome)

    def write_failure(self, rank: int, text: str) -> None:
        [folder] = (self.folder / "staging").glob("limbeck-*/attempt-*")
        (folder / f"failure-{rank}.json").write_text(text)

    def beat(self, rank: int) -> None:
        [folder] = (self.folder / "staging").glob("limbeck-*/attempt-*")
        (folder / f"heartbeat-{rank}").write_text("")

    def succeed(self, processes: int = 2) -> None:
        """All processes are done, and leave their records."""
        for rank in range(processes):
            record = RankRecord("worker" if rank else "chief", rank, 7, 70, 0.5)
            files.write_text(self.folder / "job" / f"rank-{rank}.json", to_json(record))
            self.server.end(rank, 0)


@pytest.fixture
def cluster():
    server = ApiServer()
    yield server
    server.close()


@pytest.fixture
def world(cluster, tmp_path, monkeypatch):
    """Afterwards nothing is left in the cluster, and nothing in the staging folder."""
    (tmp_path / "job").mkdir()
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig(tmp_path))
    monkeypatch.setenv("KFP_POD_NAME", "step")
    cluster.store.create("pods", step_pod())
    yield World(cluster, tmp_path)
    assert cluster.left() == []
    assert files.walk(tmp_path / "staging") == []
