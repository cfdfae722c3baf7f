"""Tests evaluation and prediction on one device. `test_strategies.py` tests the strategies."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import DataError
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.fitting.evaluation import Split, evaluator, predict
from tests.trainer import packed

COUNT, CLASSES = 43, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return packed.pack_all(tmp_path_factory.mktemp("evaluation") / "packed", packed.examples(COUNT, CLASSES))


@pytest.fixture(scope="module")
def strategy():
    return tf.distribute.OneDeviceStrategy("/cpu:0")


@pytest.fixture(scope="module")
def model(strategy):
    tf_keras.utils.set_random_seed(7)
    with strategy.scope():
        x = tf_keras.Input([packed.WIDTH], name="x")
        return tf_keras.Model({"x": x}, tf_keras.layers.Dense(CLASSES)(tf_keras.layers.Dropout(0.5)(x)))


def split(folder, batch_size):
    return Split(folder, {"x": packed.SPEC["x"]}, "label", batch_size, packed.OBJECTIVE)


def by_numpy(folder, model):
    """Returns the logits `[examples, classes]` in the order of the index, and the labels."""
    examples = PackedExamples(folder)
    read = tf.io.parse_example(examples.read(np.arange(len(examples))).serialized(), packed.SPEC)
    kernel, bias = model.get_weights()
    return read["x"].numpy().astype(float) @ kernel + bias, read["label"].numpy(), read["example_id"].numpy()


@pytest.mark.parametrize("batch_size", [1, 8, 43, 100])
def test_every_example_is_predicted_once_in_the_order_of_the_ids(strategy, folder, model, batch_size):
    logits, _, ids = by_numpy(Path(folder), model)
    assert ids.tolist() == sorted(ids.tolist())
    found = predict(strategy, model, split(folder, batch_size))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, logits, rtol=0, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 8, 43, 100])
def test_figures_are_those_of_the_labelled_examples(strategy, folder, model, batch_size):
    logits, labels, _ = by_numpy(Path(folder), model)
    known = labels >= 0
    assert 0 < known.sum() < COUNT
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    evaluate = evaluator(strategy, model, split(folder, batch_size))
    found = evaluate()
    assert found.examples == known.sum()
    assert found.loss == found.metrics["log_loss"]
    assert found.metrics["accuracy"] == (logits.argmax(axis=1) == labels)[known].mean()
    np.testing.assert_allclose(
        found.metrics["log_loss"], -log_probabilities[known, labels[known]].mean(), rtol=1e-6
    )
    assert evaluate() == found


def test_the_model_is_evaluated_with_its_present_weights(strategy, folder, model):
    evaluate = evaluator(strategy, model, split(folder, 8))
    before, weights = evaluate(), model.get_weights()
    model.set_weights([0 * values for values in weights])
    found = evaluate()
    model.set_weights(weights)
    assert found != before
    np.testing.assert_allclose(found.metrics["log_loss"], np.log(CLASSES), rtol=1e-6)
    assert evaluate() == before


def test_a_split_without_a_label_is_the_users_error(strategy, model, tmp_path):
    bare = [packed.serialize(example_id=name, x=[1.0, 2.0, 3.0], label=-1) for name in "ab"]
    folder = packed.pack_all(tmp_path / "bare", bare)
    with pytest.raises(DataError, match="no labelled example to evaluate with"):
        evaluator(strategy, model, split(folder, 8))()
