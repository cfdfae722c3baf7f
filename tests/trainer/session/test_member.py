"""The result of a member when its training is done."""

from pathlib import Path

import numpy as np

from limbeck.reference import TaskRef
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.trainer import training
from limbeck.trainer.recovery import checkpoint
from tests.trainer.session import averaged
from tests.trainer.world import STEPS, TRAINING, weights


def test_a_resumed_training_ends_with_the_same_moving_average(world, tmp_path):
    kept = {
        "task": TaskRef(module=averaged.__name__),
        "checkpoint": CheckpointConfig(steps=5, keep=9),
        "checkpoint_uri": str(tmp_path / "checkpoints"),
        "training": TRAINING,
    }
    whole = world.job(tmp_path / "whole", **kept)
    training.run(whole)
    folder = Path(checkpoint.folder_of(whole.checkpoint_uri, 0))
    assert [file.name for file in sorted(folder.glob("*.json"))] == [
        f"step-{step:08d}.json" for step in (5, 10, 15, STEPS)
    ]
    # Training resumes from the weights themselves, and exports their average.
    last = checkpoint.latest(str(folder))
    assert np.abs(last.arrays["weights/0000"] - weights(whole)[0]).max() > 1e-4
    again = world.job(tmp_path / "again", **kept)
    training.run(again)
    for step in (10, 15, STEPS):
        (folder / f"step-{step:08d}.json").unlink()
    resumed = world.job(tmp_path / "resumed", **kept)
    training.run(resumed)
    for job in (again, resumed):
        for one, other in zip(weights(whole), weights(job), strict=True):
            np.testing.assert_array_equal(one, other)
