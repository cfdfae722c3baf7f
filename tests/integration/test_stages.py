"""Stages in processes of their own: one is killed, one is asked to end, and the training loses nothing.

The reference is the same training in the same stages that nothing happened to. `tests/trainer/test_pipelined.py`
compares stages with a training without any, and so does the last test here with three stages.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import training
from limbeck.trainer.job import TrainingJob
from tests.integration import mortal
from tests.integration.halting import Running, kill, launched
from tests.integration.mortal import MEMBERS, STEPS
from tests.trainer.pipelining import cuts
from tests.trainer.world import World, weights

pytestmark = [pytest.mark.pipeline, pytest.mark.long]


PIPELINING = PipeliningConfig(stages=2, replicas=2, micro_batches=2, devices="processes")


def job_of(made: World, folder: Path, checkpoints: Path | None, **changes: Any) -> TrainingJob:
    return dataclasses.replace(
        mortal.job(made, folder, checkpoints),
        strategy=StrategyConfig(name="one_device"),
        **{"pipelining": PIPELINING} | changes,
    )


def underway(running: Running, member: int) -> bool:
    place = running.place
    return place is not None and place.member == member and bool(place.saved) and place.step < STEPS


def test_a_lost_stage_is_named_and_the_training_goes_on_to_the_bit(tmp_path: Path) -> None:
    """Of the second of two replicas. With Dropout, batch normalisation, Adam, and a last batch of one example."""
    made = mortal.build(tmp_path)
    expected = job_of(made, tmp_path / "reference", tmp_path / "its checkpoints")
    with launched(expected) as running:
        running.finish()
    job = job_of(made, tmp_path / "job", tmp_path / "checkpoints")
    cuts.share(tmp_path / "its checkpoints", tmp_path / "checkpoints")
    with launched(job) as running:
        processes = running.halt(lambda: underway(running, 0))
        assert processes is not None and processes.keys() == {"chief", "worker", "worker 1", "worker 2"}
        killed = running.place
        kill(processes, "worker 2")
        processes = running.halt(lambda: underway(running, 1))
        assert processes is not None and killed is not None
        for process in processes.values():
            process.resume()
        processes["worker 1"].terminate()
        outcome = running.finish()
        restart, preemption = (one["reason"] for one in running.told("restarting"))
        assert restart.startswith("teacher worker 2 (stage 1 of replica 1) was killed by SIGKILL")
        assert preemption.endswith("was pre-empted, and saved before it ended")
        resumed = {(one["member"], one["step"]) for one in running.told("resumed")}
        assert resumed & {(0, step) for step in killed.resumable(mortal.SAVE_EVERY)}
    assert (outcome.restarts, outcome.preemptions) == (1, 1)
    assert [(one.role, one.steps) for one in outcome.records] == [("chief", MEMBERS * STEPS)]
    for one, other in zip(weights(job), weights(expected), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not [
        path.name for path in Path(job.record_uri).iterdir() if path.name.startswith(("asked", "released"))
    ]


@pytest.mark.release
def test_three_stages_in_processes_are_the_teacher_of_one_device(tmp_path: Path) -> None:
    """On one device the micro-batches follow each other, too: batch normalisation and Dropout see the same parts.

    With SGD: where the model is cut changes the rounding, and Adam makes large steps of the rounding of small gradients
    (2e-5 after 12 of them, if a cut is before the second batch normalisation; otherwise 0).
    """
    made = mortal.build(tmp_path)
    short = {"members": 1, "most_steps": 12, "task": made.variant("SGD")}
    three = PipeliningConfig(stages=3, micro_batches=4, devices="processes")
    job = job_of(made, tmp_path / "job", None, pipelining=three, **short)
    (only,) = launch(job, Cluster.of(job.strategy, job.pipelining)).result
    assert (only.role, only.steps) == ("chief", 12)
    parts = dataclasses.replace(mortal.TRAINING, accumulate=4)
    plain = job_of(made, tmp_path / "plain", None, pipelining=PipeliningConfig(), training=parts, **short)
    training.run(plain)
    for one, other in zip(weights(job), weights(plain), strict=True):
        assert np.abs(one - other).max() <= 1e-6 * max(np.abs(other).max(), 0.1)
