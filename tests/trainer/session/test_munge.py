"""A student that is compared with its teachers on rows that MUNGE makes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from limbeck.errors import ConfigError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.planned_student import PlannedStudent
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import training
from limbeck.trainer.recovery import checkpoint
from tests.trainer.world import STEPS, weights

pytestmark = pytest.mark.long

MUNGE = DistillationConfig(temperature=2.0, alpha=1.0, inputs="munge")


@pytest.fixture(scope="module")
def teacher(world, tmp_path_factory):
    # The student is tried before: its rows have neighbours although nothing was packed for it.
    folder = tmp_path_factory.mktemp("teachers")
    job = world.job(folder / "job", members=2, planned_student=PlannedStudent(distillation=MUNGE))
    training.run(job)
    return job


def job_of(world, folder, teacher, **changes):
    given = {"task": world.variant("SGD"), "teacher_uri": teacher.model_uri, "distillation": MUNGE}
    return world.job(folder, "student", **(given | changes))


def test_a_resumed_student_is_the_same_to_the_bit(world, tmp_path, teacher):
    kept = {"checkpoint": CheckpointConfig(steps=5, keep=9), "checkpoint_uri": str(tmp_path / "checkpoints")}
    whole = job_of(world, tmp_path / "whole", teacher, **kept)
    training.run(whole)
    for step in (10, 15, STEPS):
        (Path(checkpoint.folder_of(kept["checkpoint_uri"], 0)) / f"step-{step:08d}.json").unlink()
    resumed = job_of(world, tmp_path / "resumed", teacher, **kept)
    training.run(resumed)
    unchanged = dataclasses.replace(MUNGE, munge_probability=0.0)
    plain = job_of(world, tmp_path / "plain", teacher, distillation=unchanged)
    training.run(plain)
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    assert any((one != other).any() for one, other in zip(weights(whole), weights(plain), strict=True))


@pytest.mark.processes
def test_two_workers_train_as_one(world, tmp_path, teacher):
    alone = job_of(world, tmp_path / "alone", teacher)
    training.run(alone)
    spread = job_of(world, tmp_path / "spread", teacher, strategy=StrategyConfig(workers=2))
    launch(spread, Cluster.of(spread.strategy))
    for one, other in zip(weights(alone), weights(spread), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_rows_that_nobody_labelled_have_no_labels():
    with pytest.raises(ConfigError, match="inputs=munge mixes two examples, and a mixture has no label"):
        dataclasses.replace(MUNGE, alpha=0.5)
