"""The loop against softmax regression written in float64 NumPy, over the same batches."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.trainer import packed
from trainer.distillation.losses import hard_loss, mean_part
from trainer.errors import TrainingFailedError
from trainer.ingestion import Order, batches
from trainer.loop import Hooks, fit

COUNT, CLASSES = 43, 4
# 129 positions in 17 steps: the last batch holds one example.
ORDER = Order(COUNT, 8, epochs=3, seed=1)
RATE = 0.05


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return packed.pack_all(tmp_path_factory.mktemp("loop") / "packed", packed.examples(COUNT, CLASSES))


@pytest.fixture
def strategy():
    return tf.distribute.OneDeviceStrategy("/cpu:0")


def loss(logits, targets, counts):
    return mean_part(hard_loss(logits, targets["label"]), counts.labelled)


def dataset(folder):
    def split(features, counts, seeds):
        return {"x": features["x"]}, {"label": features["label"]}, counts

    return batches(folder, ORDER, (0,), 1, packed.SPEC).map(split)


def dataset_of(folder):
    return lambda context: dataset(folder)


def built(strategy, optimizer):
    tf_keras.utils.set_random_seed(3)
    with strategy.scope():
        x = tf_keras.Input([packed.WIDTH], name="x")
        model = tf_keras.Model({"x": x}, tf_keras.layers.Dense(CLASSES, bias_initializer="ones")(x))
        return model, {"sgd": tf_keras.optimizers.SGD, "adam": tf_keras.optimizers.Adam}[optimizer](RATE)


def trained(strategy, folder, optimizer, **options):
    """Initial weights, final weights, what `fit` returned, and what it reported."""
    model, update = built(strategy, optimizer)
    initial, reports = model.get_weights(), []
    fitted = fit(
        strategy,
        model,
        update,
        loss,
        dataset_of(folder),
        steps=ORDER.steps,
        hooks=Hooks(report=reports.append),
        **options,
    )
    return initial, model.get_weights(), fitted, reports


class Sgd:
    def __call__(self, gradient):
        return RATE * gradient


class Adam:
    """Kingma and Ba (2015), with the placement of epsilon that Keras has."""

    def __init__(self):
        self.first, self.second, self.steps = 0.0, 0.0, 0

    def __call__(self, gradient):
        self.steps += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        # Keras takes these in float32, where 1 - 0.999 has but four digits.
        first_bias, second_bias = (1 - np.float32(beta) ** np.float32(self.steps) for beta in (0.9, 0.999))
        rate = RATE * np.sqrt(second_bias, dtype=float) / first_bias
        return rate * self.first / (np.sqrt(self.second) + 1e-7)


def reference(initial, folder, update):
    """Final weights and the loss of each step."""
    parameters = [values.astype(float) for values in initial]
    updates, losses = [update() for _ in parameters], []
    for inputs, targets, _ in dataset(folder).as_numpy_iterator():
        known = targets["label"] != -1
        x, labels = inputs["x"][known].astype(float), targets["label"][known]
        logits = x @ parameters[0] + parameters[1]
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        count = max(len(labels), 1)
        losses.append(-np.log(probabilities[np.arange(len(labels)), labels]).sum() / count)
        error = (probabilities - np.eye(CLASSES)[labels]) / count
        gradients = [x.T @ error, error.sum(axis=0)]
        parameters = [
            values - change(gradient)
            for values, gradient, change in zip(parameters, gradients, updates, strict=True)
        ]
    return parameters, losses


@pytest.mark.parametrize(("optimizer", "update"), [("sgd", Sgd), ("adam", Adam)])
def test_fit_equals_a_loop_written_by_hand(strategy, folder, optimizer, update):
    initial, final, fitted, _ = trained(strategy, folder, optimizer, steps_per_call=1)
    expected, losses = reference(initial, folder, update)
    assert max(np.abs(a - b).max() for a, b in zip(initial, final, strict=True)) > 0.05, "nothing was learnt"
    for values, wanted in zip(final, expected, strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose([point.loss for point in fitted.curve], losses, rtol=1e-5, atol=1e-6)
    assert (fitted.steps, fitted.examples) == (17, 129)
    assert fitted.seconds > 0


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_steps_per_call_change_nothing_but_the_reports(strategy, folder, optimizer):
    _, one_by_one, single, _ = trained(strategy, folder, optimizer, steps_per_call=1)
    _, in_sevens, several, reports = trained(strategy, folder, optimizer, steps_per_call=7)
    for one, other in zip(one_by_one, in_sevens, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [(point.step, point.steps) for point in several.curve] == [(7, 17), (14, 17), (17, 17)]
    assert tuple(reports) == several.curve
    losses = [point.loss for point in single.curve]
    means = [np.mean(losses[:7]), np.mean(losses[7:14]), np.mean(losses[14:])]
    np.testing.assert_allclose([point.loss for point in several.curve], means, rtol=1e-5)
    assert several.examples == single.examples


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_training(strategy, folder, value):
    def broken(logits, targets, counts):
        last = tf.equal(tf.shape(logits)[0], 1)
        return loss(logits, targets, counts) + tf.where(last, value, 0.0)

    model, optimizer = built(strategy, "sgd")
    reports = []
    with pytest.raises(
        TrainingFailedError,
        match=rf"broke down at step 17 of 17: the loss is {value}, the gradient norm .*, the learning rate 0.05",
    ):
        fit(
            strategy,
            model,
            optimizer,
            broken,
            dataset_of(folder),
            steps=ORDER.steps,
            hooks=Hooks(report=reports.append),
            steps_per_call=5,
        )
    assert [progress.step for progress in reports] == [5, 10, 15]
