"""Students that are trained on soft targets in a smaller form."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.trainer import training
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.distillation.stored.example import put
from limbeck.trainer.distillation.stored.form import form_of
from limbeck.trainer.recovery import checkpoint
from tests.trainer.world import STEPS, World, pack, random_logits, weights

pytestmark = pytest.mark.long

HALF, ONE, TWO = (LabellingConfig(*one) for one in ((None, "float16"), (1, "float16"), (2, "float32")))
# Alone, soft targets show whether all of what is stored is read.
SOFT = DistillationConfig(temperature=1.0, alpha=1.0)


def packed(world: World, folder: Path, labelling: LabellingConfig) -> str:
    form, written = form_of(labelling, world.task.load().objective), []
    for serialized, logits in zip(world.transformed, random_logits().astype(np.float32), strict=True):
        example = tf.train.Example.FromString(serialized)
        put(example, logits, form)
        written.append(example.SerializeToString(deterministic=True))
    return pack(folder, written)


def student(world: World, folder: Path, labelling: LabellingConfig, **changes):
    folder.mkdir()
    examples = packed(world, folder / "examples", labelling)
    fields = {"examples_uri": examples, "labelling": labelling, "distillation": SOFT} | changes
    job = world.job(folder / "job", "student", **fields)
    training.run(job)
    return job


def test_a_student_learns_the_same_from_two_of_three_classes_and_the_rest(world: World, tmp_path: Path):
    whole = world.job(tmp_path / "whole", "student", distillation=SOFT)
    training.run(whole)
    two, half = (student(world, tmp_path / f"{one}", one) for one in (TWO, HALF))
    one = student(world, tmp_path / "one", ONE)
    for full, exact, rounded in zip(weights(whole), weights(two), weights(half), strict=True):
        # The third class is the rest, so nothing is lost but the order of sums.
        np.testing.assert_allclose(exact, full, rtol=0, atol=1e-4)
        np.testing.assert_allclose(rounded, full, rtol=0, atol=2e-2)
    assert max(np.abs(a - b).max() for a, b in zip(weights(one), weights(whole), strict=True)) > 0.03


def test_packed_rows_are_smaller(world: World, tmp_path: Path):
    # Two teachers and three classes: 24 bytes in full, 16 in half precision, and 24 for one class, ids and the rest.
    full, half = (
        PackedExamples(packed(world, tmp_path / f"{one.dtype}", one)).layout for one in (LabellingConfig(), HALF)
    )
    assert full.words - half.words == 1


def test_a_resumed_student_is_the_same_to_the_bit(world: World, tmp_path: Path):
    kept = {
        "checkpoint": CheckpointConfig(steps=5, keep=9),
        "checkpoint_uri": str(tmp_path / "checkpoints"),
        "distillation": DistillationConfig(temperature=3.0, temperature_end=1.0, alpha=0.7),
    }
    whole = student(world, tmp_path / "whole", ONE, **kept)
    for step in (10, 15, STEPS):
        (Path(checkpoint.folder_of(kept["checkpoint_uri"], 0)) / f"step-{step:08d}.json").unlink()
    resumed = student(world, tmp_path / "resumed", ONE, **kept)
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_pseudo_labels_are_the_same_in_each_form(world: World, tmp_path: Path):
    changes = {"targets": "pseudo_labels", "distillation": None}
    whole = world.job(tmp_path / "whole", "student", **changes)
    training.run(whole)
    for labelling in (HALF, ONE):
        job = student(world, tmp_path / f"{labelling.top_k}", labelling, **changes)
        for one, other in zip(weights(whole), weights(job), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["decoupled", "logit_squared_error"])
def test_losses_that_need_every_class_are_refused(world: World, tmp_path: Path, name: str):
    distillation = dataclasses.replace(SOFT, **{f"{name}_weight": 1.0})
    with pytest.raises(ConfigError, match=f"{name}_weight needs the logits of every class, and labelling"):
        student(world, tmp_path / "job", TWO, distillation=distillation)
