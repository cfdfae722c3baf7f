"""The training job whose processes `test_resumption` kills: small, and with all that is hard to restore."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.job import TrainingJob
from tests.trainer import world
from tests.trainer.world import World

# 3,393 positions in 107 steps: the last batch holds one example, so one of two workers is given none.
COUNT, MEMBERS, STEPS, SAVE_EVERY = 377, 2, 107, 10
TRAINING = TrainingConfig(epochs=9, batch_size=32, learning_rate=0.005, seed=7, steps_per_call=3)

# Wide, so that a save takes long enough to be met.
SOURCE = """
import dataclasses

import tf_keras

from BASE_MODULE import TASK as BASE
from limbeck.layers.dropout import Dropout


def build(hyperparameters):
    x = hidden = tf_keras.Input([4], name="x")
    for _ in range(2):
        hidden = tf_keras.layers.Dense(384, activation="tanh")(hidden)
        hidden = tf_keras.layers.BatchNormalization()(hidden)
        hidden = Dropout(0.2)(hidden)
    return tf_keras.Model({"x": x}, tf_keras.layers.Dense(3)(hidden))


TASK = dataclasses.replace(BASE, name="mortal", build_teacher=build)
SGD = dataclasses.replace(TASK, build_optimizer=tf_keras.optimizers.SGD)
"""


def build(folder: Path) -> World:
    """Examples whose label is the largest of their first three numbers, also where augmentation moves all by one."""
    rows = world.rows(COUNT)
    for row in rows:
        row["colour"] = [world.COLOURS[int(np.argmax(row["x"][:3]))]] if row["colour"] else []
    made = world.build(folder, rows, world.random_logits(COUNT))
    module = world.own_module("mortal_task")
    (folder / f"{module}.py").write_text(SOURCE.replace("BASE_MODULE", made.task.module), encoding="utf-8")
    return dataclasses.replace(made, task=dataclasses.replace(made.task, module=module))


def job(made: World, folder: Path, checkpoints: Path | None, workers: int = 2) -> TrainingJob:
    """Two teachers, trained by so many processes."""
    changes: dict[str, Any] = {
        "strategy": StrategyConfig(workers=workers),
        "training": TRAINING,
        "members": MEMBERS,
        "checkpoint": CheckpointConfig(steps=SAVE_EVERY, keep=2),
        "checkpoint_uri": str(checkpoints) if checkpoints else None,
    }
    return made.job(folder, **changes)


def accuracy(made: World, trained: TrainingJob) -> float:
    """Of the exported ensemble on the examples that have a label."""
    logits = made.logits(trained).astype(np.float64)
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    answers = (exponentials / exponentials.sum(axis=-1, keepdims=True)).mean(axis=1).argmax(axis=-1)
    labels = np.array([world.values_of(one, "label")[0] for one in made.examples])
    return float(np.mean(answers[labels >= 0] == labels[labels >= 0]))
