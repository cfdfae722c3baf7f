import math

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import given
from hypothesis import strategies as st

from limbeck.settings.training import TrainingConfig
from limbeck.trainer.fitting import optimization

PEAK = 0.3


def expected(schedule, warmup, steps, step):
    """Computes the formula of the docstring."""
    if step < warmup:
        return PEAK * (step + 1) / warmup
    part = (step - warmup) / (steps - warmup)
    return {"cosine": PEAK * (1 + math.cos(math.pi * part)) / 2, "linear": PEAK * (1 - part), "constant": PEAK}[
        schedule
    ]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
@pytest.mark.parametrize("warmup", [0, 1, 6])
def test_a_schedule_is_its_formula_at_every_optimizer_step(schedule, warmup):
    steps = 20
    made = optimization.schedule(TrainingConfig(learning_rate=PEAK, schedule=schedule, warmup_steps=warmup), steps)
    assert isinstance(made, tf_keras.optimizers.schedules.LearningRateSchedule)
    rates = [float(made(tf.constant(step, tf.int64))) for step in range(steps)]
    np.testing.assert_allclose(
        rates, [expected(schedule, warmup, steps, step) for step in range(steps)], rtol=1e-5, atol=1e-8
    )


def test_without_warm_up_the_schedule_is_that_of_keras_to_the_bit():
    made = optimization.schedule(TrainingConfig(learning_rate=PEAK), 20)
    stock = tf_keras.optimizers.schedules.CosineDecay(PEAK, 20)
    assert [float(made(step)) for step in range(21)] == [float(stock(step)) for step in range(21)]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_a_training_that_is_shorter_than_its_warm_up_only_warms_up(schedule):
    made = optimization.schedule(TrainingConfig(learning_rate=PEAK, schedule=schedule, warmup_steps=10), 4)
    np.testing.assert_allclose(
        [float(made(step)) for step in range(4)], [PEAK * n / 10 for n in (1, 2, 3, 4)], 1e-6
    )


ROWS = 4
_VALUES = st.floats(-8, 8, width=16)


def gradients(dense, sparse, rows):
    """Returns a dense gradient and a gradient in slices, and both as whole float64 arrays."""
    values = np.array(sparse, np.float32).reshape([len(rows), 2])
    slices = tf.IndexedSlices(tf.constant(values), tf.constant(rows, tf.int64), tf.constant([ROWS, 2], tf.int64))
    whole = np.zeros([ROWS, 2])
    np.add.at(whole, rows, values)
    return [tf.constant(dense, tf.float32), slices], [np.array(dense, float), whole]


@given(
    st.lists(_VALUES, min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, ROWS - 1), _VALUES, _VALUES), min_size=1, max_size=6),
    st.floats(0.125, 16),
)
def test_clipping_is_by_the_norm_of_all_gradients_together(dense, slices, limit):
    given_gradients, whole = gradients(dense, [one[1:] for one in slices], [one[0] for one in slices])
    norm = math.sqrt(sum((values**2).sum() for values in whole))
    found = optimization.global_norm(given_gradients)
    np.testing.assert_allclose(found, norm, rtol=1e-5, atol=1e-6)
    clipped = optimization.clipped(given_gradients, found, limit)
    factor = min(1.0, limit / norm) if norm else 1.0
    for values, wanted in zip(clipped, whole, strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(values), wanted * factor, rtol=1e-5, atol=1e-6)


def test_gradients_within_the_limit_do_not_change():
    given_gradients, _ = gradients([3.0, 0.1], [[0.3, 0.7]], [2])
    norm = optimization.global_norm(given_gradients)
    for limit in (None, float(norm) * 1.001):
        for one, other in zip(optimization.clipped(given_gradients, norm, limit), given_gradients, strict=True):
            np.testing.assert_array_equal(tf.convert_to_tensor(one), tf.convert_to_tensor(other))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_norm_of_gradients_that_are_not_finite_says_so(value):
    norm = optimization.global_norm([tf.constant([1.0, value]), tf.constant([2.0])])
    assert not math.isfinite(norm)


def test_an_optimizer_without_a_learning_rate_has_none():
    class Odd(tf_keras.optimizers.Optimizer):
        pass

    assert math.isnan(optimization.learning_rate(Odd("odd")))
    assert optimization.learning_rate(tf_keras.optimizers.SGD(0.25)) == 0.25


def test_sums_keep_the_order_and_the_types_of_the_values():
    values = [tf.constant([1.0]), tf.constant(2.0, tf.float64), tf.constant([[3.0]])]
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    found = strategy.run(lambda: optimization.sums(values))
    assert [(one.dtype, one.numpy().tolist()) for one in found] == [
        (tf.float32, [1.0]),
        (tf.float64, 2.0),
        (tf.float32, [[3.0]]),
    ]
