"""What the built-in task promises: which image is where, who sees which label, and how images are shifted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from limbeck.examples import SPLITS
from limbeck.randomness import uniform_integers
from limbeck.settings import sources
from limbeck.tasks import digits
from limbeck.tasks.digits import data, models, preprocessing
from tests.tasks.files import checksums, write_elsewhere

SIDE = 8
CONFIG = sources.load([sources.read_yaml(Path(digits.__file__).parent / "config.yaml")])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    data.write(folder)
    return folder


@pytest.fixture(scope="module")
def splits(written):
    """(pixels `[n, 64]`, digit `[n]`, label_visible `[n]`) of each split, read from the files alone."""
    return {path.name: read(path) for path in written.iterdir()}


def read(split):
    (file,) = split.iterdir()
    serialized = [record.numpy() for record in tf.data.TFRecordDataset(str(file))]
    spec = {
        "pixels": tf.io.FixedLenFeature([64], tf.float32),
        "digit": tf.io.FixedLenFeature([], tf.int64),
        "label_visible": tf.io.FixedLenFeature([], tf.int64),
    }
    parsed = tf.io.parse_example(serialized, spec)
    return parsed["pixels"].numpy(), parsed["digit"].numpy(), parsed["label_visible"].numpy()


def images(pixels, labels):
    return Counter(
        (row.astype(np.float32).tobytes(), int(label)) for row, label in zip(pixels, labels, strict=True)
    )


def test_the_splits_are_those_of_a_task_in_the_promised_sizes(splits):
    assert {name: len(pixels) for name, (pixels, _, _) in splits.items()} == {
        "train": 1297,
        "validation": 250,
        "test": 250,
    }
    assert set(splits) == set(SPLITS)


def test_the_splits_are_disjoint_and_together_all_images(splits):
    per_split = [images(pixels, label) for pixels, label, _ in splits.values()]
    everything = images(*load_digits(return_X_y=True))
    # All 1,797 images differ, so a count above one would be an image that two splits share.
    assert len(everything) == 1797
    assert sum(per_split, Counter()) == everything


def test_the_student_is_told_fifteen_labels_of_each_class_in_training_only(splits):
    _, label, visible = splits["train"]
    assert set(visible) == {0, 1}
    assert Counter(label[visible == 1].tolist()) == dict.fromkeys(range(10), 15)
    for held_out in ("validation", "test"):
        assert splits[held_out][2].all()


def test_another_process_writes_the_same_bytes(written, tmp_path):
    write_elsewhere("digits", tmp_path)
    assert checksums(tmp_path) == checksums(written)
    assert len(checksums(written)) == len(SPLITS)


def test_writing_over_data_is_refused(written):
    with pytest.raises(FileExistsError):
        data.write(written)


def test_preprocessing_scales_to_between_zero_and_one(splits):
    pixels = splits["train"][0]
    image = preprocessing.preprocessing_fn({"pixels": tf.constant(pixels)})["image"]
    assert image.dtype == tf.float32
    np.testing.assert_array_equal(image, pixels / 16)
    assert (float(tf.reduce_min(image)), float(tf.reduce_max(image))) == (0.0, 1.0)


def batch(size):
    generator = np.random.default_rng(3)
    pixels = generator.random((size, SIDE * SIDE), np.float32) + 1
    seeds = generator.integers(-(2**63), 2**63 - 1, size)
    return {"image": tf.constant(pixels)}, tf.constant(seeds)


def shifted(image, down, right):
    """One image moved by whole pixels, pixel by pixel."""
    before = image.reshape(SIDE, SIDE)
    after = np.zeros_like(before)
    for row, column in np.ndindex(SIDE, SIDE):
        source = row - down, column - right
        if all(0 <= index < SIDE for index in source):
            after[row, column] = before[source]
    return after.ravel()


def test_augmentation_shifts_each_image_by_its_drawn_offsets():
    inputs, seeds = batch(300)
    # A window that begins one pixel later shows the image one pixel earlier.
    down = 1 - uniform_integers(seeds, 0, 3, draw=0).numpy()
    right = 1 - uniform_integers(seeds, 0, 3, draw=1).numpy()
    assert len(set(zip(down, right, strict=True))) == 9
    expected = [
        shifted(*image_and_offsets) for image_and_offsets in zip(inputs["image"].numpy(), down, right, strict=True)
    ]
    actual = digits.TASK.augment(inputs, seeds)
    assert set(actual) == {"image"}
    np.testing.assert_array_equal(actual["image"], np.stack(expected))


def test_augmentation_depends_on_nothing_but_each_image_and_its_seed():
    inputs, seeds = batch(64)
    before = inputs["image"].numpy().copy()
    whole = preprocessing.shift_by_up_to_one_pixel(inputs, seeds)["image"].numpy()
    tf.random.set_seed(1)
    np.testing.assert_array_equal(preprocessing.shift_by_up_to_one_pixel(inputs, seeds)["image"], whole)
    # Neither on the neighbours in the batch, nor on being traced into a graph.
    part = tf.function(preprocessing.shift_by_up_to_one_pixel)({"image": inputs["image"][40:9:-1]}, seeds[40:9:-1])
    np.testing.assert_array_equal(part["image"], whole[40:9:-1])
    np.testing.assert_array_equal(inputs["image"], before)
    other = preprocessing.shift_by_up_to_one_pixel(inputs, seeds + 1)["image"].numpy()
    assert (other != whole).any()


@pytest.mark.parametrize("size", [0, 1, 17])
def test_augmentation_keeps_shape_and_dtype(size):
    inputs, seeds = batch(size)
    image = preprocessing.shift_by_up_to_one_pixel(inputs, seeds)["image"]
    assert (image.shape, image.dtype) == ((size, 64), tf.float32)


def test_the_models_have_the_stated_parameters():
    teacher = models.build_teacher(CONFIG.teachers.hyperparameters)
    student = models.build_student(CONFIG.student.hyperparameters)
    assert (teacher.count_params(), student.count_params()) == (38_282, 2_410)
    for model in (teacher, student):
        assert f"{model.count_params():,}" in models.__doc__
    assert CONFIG.teachers.count * teacher.count_params() > 30 * student.count_params()


def test_hyperparameters_set_the_size():
    assert models.build_student({"units": 5}).count_params() == 64 * 5 + 5 + 5 * 10 + 10
    convolutions = (9 * 1 * 4 + 4) + (9 * 4 * 8 + 8)
    assert models.build_teacher({"width": 4}).count_params() == convolutions + (16 * 8 * 64 + 64) + (64 * 10 + 10)


@pytest.mark.parametrize("build", [models.build_teacher, models.build_student])
def test_models_map_images_to_logits(build):
    inputs, _ = batch(7)
    logits = build({})(inputs).numpy()
    assert logits.shape == (7, 10)
    # Logits, not probabilities.
    assert not np.allclose(logits.sum(axis=1), 1)


def test_the_settings_load_and_say_what_they_cost():
    steps = CONFIG.teachers.count * CONFIG.teachers.epochs + CONFIG.training.epochs
    steps *= data.SPLIT_SIZES["train"] / CONFIG.training.batch_size
    # About a minute of two processes at 5 to 9 ms a step.
    assert steps < 6_500
    assert CONFIG.gate.tolerance == 0.05
