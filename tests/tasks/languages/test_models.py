"""What the models make of characters: shapes, masks, positions, and where the student begins."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
import tf_keras
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from limbeck.settings import sources
from limbeck.tasks import languages
from limbeck.tasks.languages import models, preprocessing
from limbeck.tasks.languages.convolution import MaskedConvolution
from limbeck.tasks.languages.data import LANGUAGES
from limbeck.tasks.languages.positions import Positions
from limbeck.tasks.languages.preprocessing import BEGIN, FIRST_CHARACTER, FREQUENT, LENGTH, PADDING, VOCABULARY

CONFIG = sources.load([sources.read_yaml(Path(languages.__file__).parent / "config.yaml")])


@pytest.fixture(scope="module")
def teacher():
    return shaken(models.build_teacher(CONFIG.teachers.hyperparameters), seed=1)


@pytest.fixture
def student():
    return shaken(models.build_student(CONFIG.student.hyperparameters), seed=2)


def shaken(model, seed):
    """Moves all weights, so that none is where a layer begins: biases at 0, scales at 1."""
    numbers = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign_add(numbers.normal(scale=0.1, size=weight.shape))
    return model


@pytest.fixture(scope="module")
def batch():
    numbers = np.random.default_rng(3)
    rows = numbers.integers(FIRST_CHARACTER, VOCABULARY, [6, LENGTH])
    rows[:, 0] = BEGIN
    for row, length in zip(rows, (1, 2, 9, 20, LENGTH - 1, LENGTH), strict=True):
        row[length:] = PADDING
    return rows


def answers(model, rows):
    return model({"characters": tf.constant(rows)}).numpy()


def test_models_map_characters_to_logits(teacher, student, batch):
    for model in (teacher, student):
        logits = answers(model, batch)
        assert logits.shape == (len(batch), len(LANGUAGES))
        assert np.isfinite(logits).all()
        # Logits, not probabilities.
        assert (logits < 0).any()
        assert len(np.unique(logits.round(5), axis=0)) == len(batch)


def test_padding_changes_no_answer(teacher, batch):
    before = answers(teacher, batch)
    embedding = teacher.get_layer("embedding").embeddings
    original = embedding.numpy()
    embedding.assign(np.concatenate([original[:1] + 100, original[1:]]))
    after = answers(teacher, batch)
    embedding.assign(original)
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_the_order_of_characters_changes_the_answer(teacher, batch):
    backwards = np.concatenate([batch[:, :1], batch[:, :0:-1]], axis=1)[-1:]
    assert np.abs(answers(teacher, backwards) - answers(teacher, batch[-1:])).max() > 1e-3


def test_positions_are_added_and_keep_the_mask():
    layer = Positions()
    masked = tf_keras.layers.Embedding(3, 4, mask_zero=True)(tf.constant([[1, 2, 0]]))
    result = layer(masked)
    np.testing.assert_allclose(result, masked + layer.places[tf.newaxis], rtol=1e-6)
    assert result._keras_mask.numpy().tolist() == [[True, True, False]]
    again = Positions.from_config(layer.get_config())
    assert again(masked).shape == result.shape


def test_a_convolution_takes_zeros_for_what_is_masked():
    numbers = np.random.default_rng(6)
    layer = MaskedConvolution(5, 3, padding="same")
    inputs = numbers.normal(size=(2, 7, 4)).astype(np.float32)
    mask = np.arange(7) < np.array([[4], [7]])
    found = layer(inputs, mask=tf.constant(mask)).numpy()
    kernel, bias = layer.get_weights()
    padded = np.pad(inputs * mask[:, :, np.newaxis], [(0, 0), (1, 1), (0, 0)])
    expected = sum(padded[:, offset : offset + 7] @ kernel[offset] for offset in range(3)) + bias
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_the_student_is_the_teacher_if_the_blocks_that_it_lacks_add_nothing(teacher, student, batch):
    """So every block that the student has is in its place, and so is everything outside of blocks."""
    kept = tf_keras.models.clone_model(teacher)
    kept.set_weights(teacher.get_weights())
    for block in range(1, models.blocks_of(teacher), models.STRIDE):
        for name in (f"attention_{block}", f"narrow_{block}"):
            # The last kernel and bias of the layer.
            layer = kept.get_layer(name)
            layer.set_weights([*layer.get_weights()[:-2], *(0 * one for one in layer.get_weights()[-2:])])
    assert np.abs(answers(student, batch) - answers(kept, batch)).max() > 0.1
    models.initialise_student(student, teacher)
    np.testing.assert_allclose(answers(student, batch), answers(kept, batch), rtol=1e-5, atol=1e-5)
    assert np.abs(answers(student, batch) - answers(teacher, batch)).max() > 0.1


def test_no_weight_of_the_student_stays_as_it_was(teacher, student):
    before = student.get_weights()
    models.initialise_student(student, teacher)
    for weight, first in zip(student.weights, before, strict=True):
        assert not np.isclose(weight.numpy(), first).all(), weight.name


def test_the_student_has_40_percent_fewer_weights(teacher, student):
    assert models.blocks_of(teacher) == models.STRIDE * models.blocks_of(student)
    weights = [sum(np.prod(one.shape) for one in model.trainable_weights) for model in (teacher, student)]
    assert weights[1] < 0.6 * weights[0]


def test_hyperparameters_set_the_size():
    model = models.build_student({"blocks": 3, "width": 8, "heads": 2})
    assert models.blocks_of(model) == 3
    block = 4 * (8 * 8 + 8) + (models.KERNEL * 8 * 32 + 32) + (32 * 8 + 8) + 2 * (8 + 8)
    outside = VOCABULARY * 8 + LENGTH * 8 + (8 + 8) + (8 * len(LANGUAGES) + len(LANGUAGES))
    assert sum(np.prod(one.shape) for one in model.trainable_weights) == 3 * block + outside


def test_a_student_of_another_width_is_refused_by_keras(teacher):
    with pytest.raises(ValueError, match="shape"):
        models.initialise_student(models.build_student({"width": 8, "heads": 2}), teacher)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """What the models get of some training texts, and of others."""
    training = ["ababab bac", "жжжж" * 20, "a", "cab"]
    unseen = ["", "aXbY"]
    spec = {"text": tf.io.FixedLenFeature([], tf.string)}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))

    def rows(some):
        return [{"text": one} for one in some]

    with tft_beam.Context(temp_dir=str(tmp_path_factory.mktemp("scratch"))):
        (first, _), graph = (rows(training), metadata) | tft_beam.AnalyzeAndTransformDataset(
            preprocessing.preprocessing_fn
        )
        second, _ = ((rows(unseen), metadata), graph) | tft_beam.TransformDataset()
    return training, *(np.array([row["characters"] for row in some]) for some in (first, second))


def test_characters_are_numbered_by_their_frequency(numbered):
    training, made, _ = numbered
    assert made.shape == (len(training), LENGTH)
    read = [text[: LENGTH - 1] for text in training]
    counts = Counter("".join(read))
    number = {}
    for text, row in zip(read, made, strict=True):
        assert row[0] == BEGIN
        assert (row[1 + len(text) :] == PADDING).all()
        number |= dict(zip(text, row[1 : 1 + len(text)].tolist(), strict=True))
        # A character has one number.
        assert [number[one] for one in text] == row[1 : 1 + len(text)].tolist()
    assert sorted(number.values()) == list(range(FIRST_CHARACTER, FIRST_CHARACTER + len(counts)))
    by_number = sorted(number, key=number.__getitem__)
    assert [counts[one] for one in by_number] == sorted(counts.values(), reverse=True)


def test_unseen_characters_share_the_number_behind_all_others(numbered):
    training, made, unseen = numbered
    empty, mixed = unseen.tolist()
    assert empty == [BEGIN] + [PADDING] * (LENGTH - 1)
    other = FIRST_CHARACTER + len(set("".join(training)))
    assert mixed[:6] == [BEGIN, made[2][1], other, made[0][2], other, PADDING]
    assert other < FIRST_CHARACTER + FREQUENT + 1 == VOCABULARY
