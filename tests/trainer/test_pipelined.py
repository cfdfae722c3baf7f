"""Jobs of teachers in stages, and what is refused before one begins."""

import dataclasses

import numpy as np
import pytest

from limbeck import records
from limbeck.errors import ConfigError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.settings.config import Config
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.trainer import training
from limbeck.trainer.recovery.job_digest import job_digest
from limbeck.trainer.session import inputs, preflight
from tests.trainer.world import POSITIONS, STEPS, TRAINING, weights

TWO = PipeliningConfig(stages=2, micro_batches=4)


@pytest.mark.processes
def test_a_teacher_in_stages_is_the_teacher_of_one_device(world, tmp_path):
    """With a batch of one example, of which three micro-batches have none; and exported for one device."""
    plain = world.job(tmp_path / "plain", "teacher")
    training.run(plain)
    job = world.job(
        tmp_path / "stages",
        "teacher",
        pipelining=TWO,
        training=dataclasses.replace(TRAINING, recompute="except_last"),
    )
    (only,) = launch(job, Cluster.of(job.strategy)).result
    assert (only.steps, only.examples) == (STEPS, POSITIONS)
    for one, other in zip(weights(job), weights(plain), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert np.abs(world.logits(job) - world.logits(plain)).max() <= 1e-5


def test_a_checkpoint_belongs_to_any_number_of_stages(world, tmp_path):
    plain = world.job(tmp_path / "plain", "teacher")
    assert job_digest(dataclasses.replace(plain, pipelining=TWO)) == job_digest(plain)


def test_more_stages_than_blocks_are_refused_before_training(world, tmp_path):
    plain = world.job(tmp_path / "plain", "teacher")
    session = training.join_job(plain)
    job = dataclasses.replace(plain, pipelining=PipeliningConfig(stages=3))
    with pytest.raises(ConfigError, match=r"pipelining.stages is 3 and the teacher of task 'tiny' has 2: lower"):
        preflight.check(dataclasses.replace(session, job=job), inputs.order_of(session, 0))


def test_only_teachers_have_stages(world, tmp_path):
    with pytest.raises(ConfigError, match="only a job of teachers has stages"):
        world.job(tmp_path / "job", "student", pipelining=TWO)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"stages": 2, "schedule": "2bw"}, "computes gradients at older weights .* take 1f1b, gpipe or naive"),
        ({"stages": 2, "devices": "processes"}, "nothing here does yet: take pipelining.devices=local"),
        ({"micro_batches": 4}, "pipelining.stages is 1: raise pipelining.stages, or take training.accumulate"),
        (
            {"stages": 2, "micro_batches": 5},
            r"batch_size=64 does not divide into pipelining.micro_batches=5: change",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, told):
    with pytest.raises(ConfigError, match=told):
        records.from_mapping(Config, {"pipelining": settings})


@pytest.mark.parametrize("name", ["mirrored", "central_storage"])
def test_a_strategy_that_needs_the_same_devices_is_refused(name):
    values = {"pipelining": {"stages": 2}, "strategy": {"name": name}}
    with pytest.raises(
        ConfigError, match=f"strategy.name={name} puts a replica on each of them: take strategy.name=one"
    ):
        records.from_mapping(Config, values)
    records.from_mapping(Config, values | {"strategy": {"name": "multi_worker_mirrored"}})
