"""Hands other kinds of steps and input pipelines to the loop, and compares the results with NumPy."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import TrainingFailedError
from limbeck.trainer.fitting.hooks import Hooks
from limbeck.trainer.fitting.loop import fit
from limbeck.trainer.fitting.step import StepResult

RATE, STEPS, BATCH, WIDTH = 0.125, 9, 6, 3


@dataclasses.dataclass(frozen=True)
class Arrays:
    """An input pipeline without strategy, files or order. Row s of two arrays is the batch of step s."""

    x: np.ndarray
    y: np.ndarray

    def start(self):
        return iter(tf.data.Dataset.from_tensor_slices((self.x, self.y)))

    def take(self, iterator):
        return iterator.get_next()


@dataclasses.dataclass(frozen=True)
class Accumulating:
    """Gradient descent on a linear model, without Keras' optimizers. A gradient is a sum over micro-batches."""

    kernel: tf.Variable
    gradient: tf.Variable
    micro_batches: int

    def run(self, batch):
        self.gradient.assign(tf.zeros_like(self.gradient))
        loss, size = tf.constant(0.0), tf.shape(batch[0])[0]
        for x, y in zip(*(tf.split(part, self.micro_batches) for part in batch), strict=True):
            with tf.GradientTape() as tape:
                part = tf.reduce_sum((tf.linalg.matvec(x, self.kernel) - y) ** 2) / tf.cast(size, tf.float32)
            self.gradient.assign_add(tape.gradient(part, self.kernel))
            loss += part
        self.kernel.assign_sub(RATE * self.gradient)
        norm = tf.norm(self.gradient)
        return StepResult(loss, tf.constant(RATE), norm, tf.math.is_finite(loss), tf.cast(size, tf.int64))


@dataclasses.dataclass(frozen=True)
class Counting:
    """A step that trains nothing. It counts its calls, and one of them is unsound."""

    count: tf.Variable
    unsound_at: int

    def run(self, batch):
        now = tf.cast(self.count.assign_add(1), tf.float32)
        return StepResult(now, now / 8, now / 4, now != self.unsound_at, tf.cast(batch[0][0, 0], tf.int64))


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(4)
    x = generator.standard_normal([STEPS, BATCH, WIDTH]).astype(np.float32)
    return Arrays(x, (x @ np.array([1.0, -2.0, 0.5]) + 3).astype(np.float32))


def by_numpy(data):
    """Returns the final kernel, the losses and the norms of gradient descent on whole batches, in float64."""
    kernel, losses, norms = np.zeros(WIDTH), [], []
    for x, y in zip(data.x.astype(float), data.y.astype(float), strict=True):
        error = x @ kernel - y
        gradient = 2 * x.T @ error / BATCH
        losses.append((error**2).mean())
        norms.append(np.sqrt((gradient**2).sum()))
        kernel = kernel - RATE * gradient
    return kernel, losses, norms


@pytest.mark.parametrize("micro_batches", [1, 2, 3])
@pytest.mark.parametrize("steps_per_call", [1, 4])
def test_a_step_may_accumulate_over_micro_batches(data, micro_batches, steps_per_call):
    step = Accumulating(tf.Variable(tf.zeros([WIDTH])), tf.Variable(tf.zeros([WIDTH])), micro_batches)
    saved = []
    hooks = Hooks(save=saved.append, save_every=6)
    fitted = fit(step, data, steps=STEPS, hooks=hooks, steps_per_call=steps_per_call)
    kernel, losses, norms = by_numpy(data)
    assert np.abs(kernel).max() > 0.5, "nothing was learnt"
    np.testing.assert_allclose(step.kernel.numpy(), kernel, rtol=1e-5, atol=1e-5)
    ends = [point.step for point in fitted.curve]
    assert ends == ([*range(1, STEPS + 1)] if steps_per_call == 1 else [4, 6, 9])
    for begin, end, point in zip([0, *ends], ends, fitted.curve, strict=False):
        np.testing.assert_allclose(point.loss, np.mean(losses[begin:end]), rtol=1e-5)
        np.testing.assert_allclose(point.gradient_norm, norms[end - 1], rtol=1e-5)
        assert point.learning_rate == RATE
    assert (fitted.steps, fitted.examples) == (STEPS, STEPS * BATCH)
    assert [(one.steps, one.examples) for one in saved] == [(6, 6 * BATCH), (STEPS, STEPS * BATCH)]


@pytest.mark.parametrize("unsound_at", [1, 3, 7])
def test_the_loop_ends_at_the_first_unsound_step_of_any_kind(unsound_at):
    inputs = Arrays(np.full([STEPS, 1, 1], 5, np.float32), np.zeros([STEPS, 1], np.float32))
    told = rf"at step {unsound_at} of {STEPS}: the loss is {unsound_at}, the gradient norm {unsound_at / 4:g}, the"
    with pytest.raises(TrainingFailedError, match=told):
        fit(Counting(tf.Variable(0), unsound_at), inputs, steps=STEPS, steps_per_call=4)


def test_the_loop_adds_up_the_examples_of_any_kind_of_step():
    inputs = Arrays(np.arange(STEPS, dtype=np.float32).reshape([STEPS, 1, 1]), np.zeros([STEPS, 1], np.float32))
    fitted = fit(Counting(tf.Variable(0), unsound_at=-1), inputs, steps=STEPS, steps_per_call=4)
    assert fitted.examples == sum(range(STEPS))
    assert [(point.loss, point.learning_rate) for point in fitted.curve] == [
        (np.mean([1, 2, 3, 4]), 4 / 8), (np.mean([5, 6, 7, 8]), 8 / 8), (9, 9 / 8),
    ]  # fmt: skip


def test_a_step_may_train_two_models_at_once(data):
    """A model in two stages, with an optimizer for each, is trained by a step too."""
    tf_keras.utils.set_random_seed(1)
    layers = [tf_keras.layers.Dense(4), tf_keras.layers.Dense(1)]
    optimizers = [tf_keras.optimizers.SGD(0.0625), tf_keras.optimizers.SGD(0.03125)]
    hidden = layers[0](data.x[0])
    layers[1](hidden)
    initial = [layer.get_weights() for layer in layers]

    class Staged:
        def run(self, batch):
            x, y = batch
            with tf.GradientTape() as front:
                between = layers[0](x)
            with tf.GradientTape() as back:
                back.watch(between)
                loss = tf.reduce_mean((layers[1](between)[:, 0] - y) ** 2)
            variables = layers[1].trainable_variables
            passed, *late = back.gradient(loss, [between, *variables])
            early = front.gradient(between, layers[0].trainable_variables, passed)
            optimizers[0].apply_gradients(zip(early, layers[0].trainable_variables, strict=True))
            optimizers[1].apply_gradients(zip(late, variables, strict=True))
            return StepResult(
                loss, tf.constant(np.nan, tf.float32), tf.norm(passed), loss < 1e9, tf.constant(1, tf.int64)
            )

    fitted = fit(Staged(), data, steps=STEPS, steps_per_call=4)
    (first, first_bias), (second, second_bias) = [[values.astype(float) for values in one] for one in initial]
    for x, y in zip(data.x.astype(float), data.y.astype(float), strict=True):
        between = x @ first + first_bias
        error = 2 * (between @ second + second_bias - y[:, np.newaxis]) / BATCH
        passed = error @ second.T
        second, second_bias = second - 0.03125 * between.T @ error, second_bias - 0.03125 * error.sum(axis=0)
        first, first_bias = first - 0.0625 * x.T @ passed, first_bias - 0.0625 * passed.sum(axis=0)
    for layer, expected in zip(layers, [(first, first_bias), (second, second_bias)], strict=True):
        for values, wanted in zip(layer.get_weights(), expected, strict=True):
            np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-5)
    assert {point.learning_rate for point in fitted.curve} == {None}
