"""A teacher whose weights are larger than the memory that any of its processes may take.

TensorFlow's allocator has a hard limit for the tensors of each process. The reference is the training without stages
and without a limit.
"""

import dataclasses

import numpy as np
import pytest

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.reference import TaskRef
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer import training
from tests.trainer.session import deep
from tests.trainer.world import TRAINING, weights

pytestmark = [pytest.mark.processes, pytest.mark.long]

LIMIT, LAYERS, STEPS = 24, 26, 3
# Weights, gradients and slots of 6 layers are 18 MiB. Times alone cut elsewhere each time, and 8 layers do not fit.
STAGES = PipeliningConfig(stages=5, devices="processes", memory_mib=20)


@pytest.fixture
def limited(monkeypatch):
    """Limits the tensors of each process that is started."""
    monkeypatch.setenv("TF_CPU_ALLOCATOR_USE_BFC", "1")
    monkeypatch.setenv("TF_CPU_BFC_MEM_LIMIT_IN_MB", str(LIMIT))


def job_of(world, folder, **changes):
    assert LAYERS * deep.MEGABYTES_A_LAYER > LIMIT
    usual = {
        "task": TaskRef(module=deep.__name__, attribute="SGD"),
        "hyperparameters": {"layers": LAYERS},
        "members": 2,
        "most_steps": STEPS,
        "validation_uri": world.folders["teacher"],
        "training": dataclasses.replace(TRAINING, early_stopping_patience=9, learning_rate=0.01),
    }
    return world.job(folder, **usual | changes)


def launched(job):
    return launch(job, Cluster.of(job.strategy, job.pipelining), recovery=RecoveryConfig(restarts=0))


@pytest.mark.usefixtures("limited")
def test_a_teacher_larger_than_any_process_trains_in_stages(world, tmp_path):
    """Two of them: tried, validated, saved and exported. And another job goes on from the checkpoints."""
    saved = {
        "pipelining": STAGES,
        "checkpoint": CheckpointConfig(steps=1, keep=1),
        "checkpoint_uri": str(tmp_path / "checkpoints"),
    }
    with pytest.raises((UserError, TrainingFailedError), match=r"OOM|not enough memory|SIG"):
        launched(job_of(world, tmp_path / "alone"))
    few = dataclasses.replace(STAGES, stages=2, memory_mib=None)
    with pytest.raises(
        TrainingFailedError, match=r"(?s)stage \d has not enough memory .* Raise pipelining.stages|SIG"
    ):
        launched(job_of(world, tmp_path / "few", pipelining=few))
    launched(job_of(world, tmp_path / "half", **saved | {"most_steps": 1}))
    job = job_of(world, tmp_path / "job", **saved)
    launched(job)
    plain = job_of(world, tmp_path / "plain")
    training.run(plain)
    for one, other in zip(weights(job), weights(plain), strict=True):
        assert np.abs(one - other).max() <= 1e-6 * max(np.abs(other).max(), 0.1)
