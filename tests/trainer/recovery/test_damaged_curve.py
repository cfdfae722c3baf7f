"""A training that goes on with a damaged curve ends as if nothing had been damaged, early stopping included."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.trainer import training
from tests.trainer import world as worlds
from tests.trainer.world import TRAINING

pytestmark = pytest.mark.long

# It ends early: at this rate the loss rises at first.
RATE, PATIENCE, SAVE_EVERY = 1.0, 3, 5


def curve(job):
    (points,) = json.loads((Path(job.record_uri) / "history.json").read_text())["members"]
    return points


def test_it_ends_early_where_it_would_have_ended(world, tmp_path):
    settings = dataclasses.replace(
        TRAINING, epochs=12, learning_rate=RATE, early_stopping_patience=PATIENCE, steps_per_call=3
    )
    whole = world.job(
        tmp_path / "whole",
        training=settings,
        validation_uri=world.folders["teacher"],
        checkpoint=CheckpointConfig(steps=SAVE_EVERY, keep=100),
        checkpoint_uri=str(tmp_path / "checkpoints"),
    )
    training.run(whole)
    done = curve(whole)
    losses = {point["step"]: point["validation"]["loss"] for point in done if point["validation"]}
    best = min(losses, key=losses.get)
    last = done[-1]["step"]
    assert last < done[-1]["steps"] and list(losses).index(best) == len(losses) - 1 - PATIENCE

    # The process dies after the best validation, and before the last ones.
    kept = next(step for step in range(best + 1, last) if step % SAVE_EVERY == 0)
    folder = tmp_path / "checkpoints" / "member-0"
    for manifest in folder.glob("step-*.json"):
        if int(manifest.stem.partition("-")[2]) > kept:
            manifest.unlink()
    for link in (folder / "curve").iterdir():
        link.write_bytes(b"damaged")
    resumed = dataclasses.replace(
        whole, model_uri=str(tmp_path / "resumed" / "model"), record_uri=str(tmp_path / "resumed")
    )
    (tmp_path / "resumed").mkdir()
    training.run(resumed)

    assert curve(resumed) == [point for point in done if point["step"] > kept]
    for one, other in zip(worlds.weights(whole), worlds.weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
