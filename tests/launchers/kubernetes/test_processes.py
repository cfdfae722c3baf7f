"""A training in pods that really run: two workers, of which one is killed, or asked to end.

The pods are processes of this machine (`kubelet` says what is real); their job, its Service, its names, its signals and
its logs go through the API server. The result is compared with a training on this machine that nothing happened to.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from limbeck import events, files
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.kubernetes.launcher import KubernetesLauncher
from limbeck.launchers.launch import launch
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.pods import PodsConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from tests.launchers.kubernetes import kubelet as kubelets
from tests.launchers.kubernetes.bodies import step_pod
from tests.launchers.kubernetes.kubelet import Kubelet
from tests.trainer import world as worlds
from tests.trainer.pipelining import cuts
from tests.trainer.world import weights

pytestmark = [pytest.mark.processes, pytest.mark.long]

# 43 examples in batches of 8: 323 steps, of which every fiftieth is saved.
TRAINING = TrainingConfig(epochs=60, batch_size=8, learning_rate=0.02, seed=5, steps_per_call=5)
STEPS = 323
RECOVERY = RecoveryConfig(restarts=1, backoff_seconds=0.0, heartbeat_seconds=120.0)
PATIENCE_SECONDS = 240.0


@pytest.fixture(scope="module", autouse=True)
def mounting():
    """The kubelet mounts a file, which not every machine allows."""
    done = subprocess.run(
        [*kubelets.ENTER, "mount --bind /etc/hosts /etc/hosts"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        assert not os.environ.get("CI"), done.stderr
        pytest.skip(f"pods need a mount namespace: {done.stderr}")


@pytest.fixture(scope="module")
def world(tmp_path_factory, mounting):
    folder = tmp_path_factory.mktemp("world")
    return worlds.build(folder, worlds.rows(), worlds.random_logits())


def make_job(world, folder, **changes):
    return world.job(
        folder,
        strategy=StrategyConfig(workers=2),
        training=TRAINING,
        checkpoint=CheckpointConfig(steps=50, keep=2),
        **changes,
    )


@pytest.fixture(scope="module")
def reference(world, tmp_path_factory):
    """A job on this machine that nothing happens to, and what its processes did."""
    job = make_job(world, tmp_path_factory.mktemp("reference") / "job")
    return job, launch(job, Cluster.of(job.strategy)).result


@pytest.fixture
def kubelet(cluster, tmp_path):
    (tmp_path / "node").mkdir()
    node = Kubelet(cluster, tmp_path / "node")
    yield node
    node.close()


@pytest.fixture
def shared(cluster, tmp_path, monkeypatch):
    """The folder that the claim stands for, which only pods and launcher share; the settings of a launcher."""
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig(tmp_path))
    monkeypatch.setenv("KFP_POD_NAME", "step")
    cluster.store.create("pods", step_pod())
    log = tmp_path / "events.jsonl"
    log.touch()
    monkeypatch.setenv(events.ENVIRONMENT, str(log))
    port = free_ports()
    monkeypatch.setattr(
        "limbeck.launchers.kubernetes.launcher.from_settings",
        lambda settings: KubernetesLauncher(settings.kubernetes, port=port),
    )
    folder = tmp_path / "shared"
    folder.mkdir()
    pods = PodsConfig(staging=f"{folder}/staging", claim="data", mount=str(folder))
    return folder, LauncherConfig(name="kubernetes", kubernetes=pods)


def free_ports() -> int:
    """A port that is free, as is the next one."""
    for first in range(23000, 32000, 7):
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("", first))
                other.bind(("", first + 1))
            except OSError:
                continue
            return first
    raise OSError("no two free ports")


@dataclasses.dataclass
class Fate:
    """Acts once, in a thread, when the first checkpoint is there."""

    checkpoints: Path
    act: object
    at: int | None = None

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            steps = [
                int(match[1]) for path in self.checkpoints.rglob("*") if (match := _STEP.fullmatch(path.name))
            ]
            if steps:
                self.act()
                self.at = max(steps)
                return
            time.sleep(0.005)


_STEP = re.compile(r"step-(\d+)\.json")


def told(folder: Path, kind: str):
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def assert_same(reference, job, result):
    wanted, records = reference
    pairs = list(zip(weights(job), weights(wanted), strict=True))
    assert len(pairs) == 4
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
    assert [(one.role, one.steps, one.examples) for one in result] == [
        (one.role, one.steps, one.examples) for one in records
    ]


def preempt(cluster, rank):
    """As the scheduler does: the condition first, then the removal with the pod's own grace."""
    cluster.disrupt(rank)
    cluster.controllers.delete_pod(cluster.pod(rank)["metadata"]["name"])


@pytest.mark.parametrize("fate", ["killed", "preempted"])
def test_a_training_whose_worker_is_lost_goes_on_to_the_same_bits(world, reference, kubelet, shared, fate):
    cluster = kubelet.server
    folder, settings = shared
    checkpoints = folder / "checkpoints"
    job = make_job(world, folder.parent / "job", checkpoint_uri=str(checkpoints))
    acts = {
        "killed": lambda: kubelet.process(1).send_signal(signal.SIGKILL),
        "preempted": lambda: preempt(cluster, 1),
    }
    loss = Fate(checkpoints, acts[fate])
    done = launch(job, Cluster.of(job.strategy), settings, RECOVERY)
    assert loss.at is not None and 0 < loss.at < STEPS
    assert (done.restarts, done.preemptions) == ((1, 0) if fate == "killed" else (0, 1))
    [restart] = told(folder.parent, "restarting")
    reason = (
        "was killed by SIGKILL"
        if fate == "killed"
        else "was pre-empted (PreemptionByScheduler: a higher priority)"
    )
    assert restart["reason"].startswith(f"teacher worker 0 {reason}")
    # What the chief told came with its log.
    [resumed] = told(folder.parent, "resumed")
    assert loss.at <= resumed["step"] < STEPS
    assert_same(reference, job, done.result)
    assert cluster.left() == []
    assert files.walk(folder / "staging") == []
    assert all(process.poll() is not None for process in kubelet.processes.values())
    assert len(kubelet.processes) == 4


@pytest.mark.release
def test_stages_in_pods_lose_one_and_go_on_to_the_same_bits(world, kubelet, shared, tmp_path):
    """The pods of stages have the roles of any others, so no object of the cluster knows of stages."""
    folder, settings = shared
    checkpoints = folder / "checkpoints"
    stages = {
        "strategy": StrategyConfig("one_device"),
        "pipelining": PipeliningConfig(stages=2, micro_batches=2, devices="processes"),
    }
    own = tmp_path / "its checkpoints"
    here = dataclasses.replace(make_job(world, tmp_path / "here", checkpoint_uri=str(own)), **stages)
    wanted = launch(here, Cluster.of(here.strategy, here.pipelining)).result
    cuts.share(own, checkpoints)
    job = dataclasses.replace(make_job(world, tmp_path / "job", checkpoint_uri=str(checkpoints)), **stages)
    loss = Fate(checkpoints, lambda: kubelet.process(1).send_signal(signal.SIGKILL))
    done = launch(job, Cluster.of(job.strategy, job.pipelining), settings, RECOVERY)
    assert loss.at is not None and 0 < loss.at < STEPS
    [restart] = told(folder.parent, "restarting")
    assert restart["reason"].startswith("teacher worker 0 (stage 1) was killed by SIGKILL")
    assert_same((here, wanted), job, done.result)
    assert kubelet.server.left() == [] and files.walk(folder / "staging") == []
    assert len(kubelet.processes) == 4
