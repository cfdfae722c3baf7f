"""A training on a Ray cluster of two nodes: one node is killed and another joins, or the launching process is ended.

The result is compared with a training on this machine that nothing happened to.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from limbeck import events, files
from limbeck.errors import UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.ray import RayConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from tests.launchers.ray import cluster as clusters
from tests.launchers.ray.cluster import RayCluster
from tests.trainer import world as worlds
from tests.trainer.world import weights

pytestmark = [
    pytest.mark.processes,
    pytest.mark.long,
    pytest.mark.skipif(not (clusters.SITE / "ray").is_dir(), reason="Ray is not installed: make .venv-ray/ready"),
]

# 43 examples in batches of 8: 323 steps, of which every fiftieth is saved.
TRAINING = TrainingConfig(epochs=60, batch_size=8, learning_rate=0.02, seed=5, steps_per_call=5)
STEPS = 323
RECOVERY = RecoveryConfig(restarts=1, backoff_seconds=0.0, heartbeat_seconds=120.0)
PATIENCE_SECONDS = 240.0
_STEP = re.compile(r"step-(\d+)\.json")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.build(tmp_path_factory.mktemp("world"), worlds.rows(), worlds.random_logits())


@pytest.fixture(scope="module")
def ray_cluster():
    """A cluster with two nodes."""
    variables = clusters.environment()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in variables.items():
            patched.setenv(name, value)
        # Ray's sockets must have short paths.
        folder = Path(tempfile.mkdtemp(prefix="ray-"))
        cluster = RayCluster(folder, variables)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.close()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(ray_cluster, tmp_path, monkeypatch):
    """Settings of a launcher. The folder `shared` stands for a file system that all nodes mount."""
    log = tmp_path / "events.jsonl"
    log.touch()
    monkeypatch.setenv(events.ENVIRONMENT, str(log))
    shared = tmp_path / "shared"
    shared.mkdir()
    ray = RayConfig(
        address=ray_cluster.address, staging=f"{shared}/staging", shared=str(shared), start_seconds=180.0
    )
    return LauncherConfig(name="ray", ray=ray)


def make_job(world, folder, workers=2, **changes):
    return world.job(
        folder,
        strategy=StrategyConfig(workers=workers),
        training=TRAINING,
        checkpoint=CheckpointConfig(steps=50, keep=2),
        **changes,
    )


def saved_steps(checkpoints: Path) -> list[int]:
    return [int(match[1]) for path in checkpoints.rglob("*") if (match := _STEP.fullmatch(path.name))]


def at_first_checkpoint(checkpoints: Path, act) -> threading.Thread:
    """Acts once, in a thread, when the first checkpoint is there."""

    def run():
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if saved_steps(checkpoints):
                act()
                return
            time.sleep(0.005)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def told(folder: Path, kind: str):
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def assert_nothing_left(cluster, shared):
    left = cluster.left()
    assert (left["actors"], left["groups"]) == ([], [])
    assert cluster.training() == []
    assert files.walk(shared / "staging") == []


def test_too_few_nodes_are_told_before_anybody_waits(world, ray_cluster, settings, tmp_path):
    job = make_job(world, tmp_path / "job", workers=3)
    with pytest.raises(
        UserError, match="needs 3 processes with 1 CPU each, each on a node of its own, and the Ray"
    ):
        launch(job, Cluster.of(job.strategy), settings, RECOVERY)
    assert_nothing_left(ray_cluster, tmp_path / "shared")


@pytest.mark.release
def test_an_interrupted_training_saves_and_leaves_no_actor(world, ray_cluster, settings, tmp_path):
    checkpoints = tmp_path / "shared/checkpoints"
    job = make_job(world, tmp_path / "job", checkpoint_uri=str(checkpoints))
    packed = dataclasses.replace(settings, ray=dataclasses.replace(settings.ray, placement="pack"))
    running = []

    def interrupt():
        running.extend(ray_cluster.training())
        os.kill(os.getpid(), signal.SIGINT)

    at_first_checkpoint(checkpoints, interrupt)
    with pytest.raises(KeyboardInterrupt):
        launch(job, Cluster.of(job.strategy), packed, RECOVERY)
    assert len(running) == 2
    # The processes saved when they were asked to end, and that is no step of the schedule.
    assert any(step % 50 for step in saved_steps(checkpoints))
    assert_nothing_left(ray_cluster, tmp_path / "shared")


def test_a_training_that_loses_a_node_goes_on_to_the_same_bits(world, ray_cluster, settings, tmp_path):
    checkpoints = tmp_path / "shared/checkpoints"
    here = make_job(world, tmp_path / "here")
    wanted = launch(here, Cluster.of(here.strategy)).result
    job = make_job(world, tmp_path / "job", checkpoint_uri=str(checkpoints))

    def replace_node():
        ray_cluster.kill(ray_cluster.nodes.pop())
        ray_cluster.nodes.append(ray_cluster.add())

    replacing = at_first_checkpoint(checkpoints, replace_node)
    done = launch(job, Cluster.of(job.strategy), settings, RECOVERY)
    replacing.join(PATIENCE_SECONDS)
    assert (done.restarts, done.preemptions) == (1, 0)
    [restart] = told(tmp_path, "restarting")
    # Ray may take longer to know that a node is dead than the peers of its process take to fail.
    gone = r"teacher (chief|worker 0) is gone: (Ray lost|its actor no longer answers from) the node "
    assert re.match(gone, restart["reason"])
    # What the chief told came with its output.
    [resumed] = told(tmp_path, "resumed")
    assert 0 < resumed["step"] < STEPS
    pairs = list(zip(weights(job), weights(here), strict=True))
    assert len(pairs) == 4
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
    assert [(one.role, one.steps, one.examples) for one in done.result] == [
        (one.role, one.steps, one.examples) for one in wanted
    ]
    assert_nothing_left(ray_cluster, tmp_path / "shared")
