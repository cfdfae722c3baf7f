"""Trainings without a flush against NumPy's own delayed rule, with several optimizers, across calls and a restart."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import TaskError
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.fitting.delayed_step import delayed
from limbeck.trainer.fitting.pipeline import PipelinedModel
from limbeck.trainer.fitting.recomputation import Head
from limbeck.trainer.pipelining.blocks import blocks_of, layout
from limbeck.trainer.pipelining.schedules.registry import DELAYED
from limbeck.trainer.recovery import model_state
from tests.trainer.fitting import delayed_rule

pytestmark = pytest.mark.long

STAGES, WIDTH, CLASSES, EXAMPLES = 3, 5, 4, 8
STEPS = 5
RATE = 0.05
DECAY = tf_keras.optimizers.schedules.PolynomialDecay(RATE, 20, end_learning_rate=0.0)
optimizers = tf_keras.optimizers
RULES = {
    "sgd": (lambda: optimizers.SGD(RATE), lambda: delayed_rule.sgd(RATE)),
    "momentum": (lambda: optimizers.SGD(RATE, momentum=0.9), lambda: delayed_rule.momentum(RATE, 0.9)),
    "adam": (lambda: optimizers.Adam(DECAY), lambda: delayed_rule.adam(lambda step: RATE * (1 - step / 20))),
}


def loss(logits, targets, denominators):
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(targets["label"], logits)
    return tf.reduce_sum(each) / tf.cast(denominators.examples, tf.float64)


def built():
    tf_keras.backend.set_floatx("float64")
    tf_keras.mixed_precision.set_global_policy("float64")
    try:
        tf_keras.utils.set_random_seed(3)
        x = read = tf_keras.Input([WIDTH], name="x")
        for number in range(STAGES - 1):
            read = tf_keras.layers.Dense(WIDTH, activation="tanh", name=f"layer_{number}")(read)
        return tf_keras.Model({"x": x}, tf_keras.layers.Dense(CLASSES, name="logits")(read))
    finally:
        tf_keras.backend.set_floatx("float32")
        tf_keras.mixed_precision.set_global_policy("float32")


def batches():
    draw = np.random.default_rng(1)
    return [(draw.standard_normal([EXAMPLES, WIDTH]), draw.integers(0, CLASSES, EXAMPLES)) for _ in range(STEPS)]


class Training:
    """A model in three stages, each of one layer."""

    def __init__(self, name, optimizer, micro_batches=2, recompute="none", stages=STAGES):
        self.model, self.optimizer = built(), optimizer
        self.optimizer.build(self.model.trainable_variables)
        found = layout(self.model, "the model", "a test")
        blocks = blocks_of(found, found.graph.cuts()[: stages - 1])
        schedule = functools.partial(DELAYED[name], stages, micro_batches, oldest=-stages)
        pipeline = PipelinedModel(
            Head(self.model, loss),
            found,
            blocks,
            ("/cpu:0",) * stages,
            DELAYED[name](stages, micro_batches),
            recompute,
        )
        self.step = delayed(pipeline, self.optimizer, schedule, "the model")
        self.results = []

    def train(self, given):
        """Trains on some batches in one call."""
        count = tf.constant(float(EXAMPLES))
        made = [
            ({"x": tf.constant(x)}, {"label": tf.constant(labels)}, Denominators(count, count))
            for x, labels in given
        ]
        self.results += tf.function(lambda: self.step.run_together(made), autograph=False)()

    @property
    def weights(self):
        return [one.numpy() for one in self.model.trainable_variables]


def expected(delays, rule, given):
    first = built().get_weights()
    pairs = list(zip(first[::2], first[1::2], strict=True))
    return [one for pair in delayed_rule.train(pairs, delays, given, rule) for one in pair]


def assert_close(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        # The learning rate is float32, and all else float64.
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("optimizer", RULES)
@pytest.mark.parametrize(
    ("name", "micro_batches", "delays"), [("2bw", 2, [1] * 3), ("weight_stashing", 1, [2, 1, 0])]
)
def test_weights_are_those_of_the_delayed_rule_across_calls(name, micro_batches, delays, optimizer):
    make, rule = RULES[optimizer]
    given, training = batches(), Training(name, make(), micro_batches)
    training.train(given[:4])
    training.train(given[4:])
    assert_close(training.weights, expected(delays, rule, given))
    assert int(training.optimizer.iterations) == STEPS


@pytest.mark.parametrize("name", DELAYED)
def test_what_is_computed_again_is_computed_with_the_older_weights(name):
    micro_batches = 1 if name == "weight_stashing" else 2
    given, found = batches(), []
    for recompute in ("none", "all"):
        training = Training(name, optimizers.SGD(RATE), micro_batches, recompute)
        training.train(given[:4])
        found.append(training.weights)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", DELAYED)
def test_a_restart_goes_on_to_the_bit(name):
    """The older weights are in the checkpoint, beside the slots."""
    micro_batches = 1 if name == "weight_stashing" else 2
    given, first = batches(), Training(name, optimizers.Adam(DECAY), micro_batches)
    first.train(given[:2])
    saved = model_state.capture(first.model, first.optimizer)
    again = Training(name, optimizers.Adam(DECAY), micro_batches)
    model_state.restore(again.model, again.optimizer, saved)
    for each in (first, again):
        each.train(given[2:])
    for one, other in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_number_of_stages_changes_nothing_under_2bw():
    given, found = batches(), []
    for stages in (1, 2):
        training = Training("2bw", optimizers.SGD(RATE), stages=stages)
        training.train(given[:3])
        found.append(training.weights)
    assert_close(*found)


def test_what_a_step_tells_is_of_its_batch():
    given, training = batches(), Training("2bw", optimizers.Adam(DECAY))
    training.train(given)
    first = training.results[0]
    assert int(first.examples) == EXAMPLES and bool(first.sound)
    np.testing.assert_allclose(
        [float(one.learning_rate) for one in training.results],
        [RATE * (1 - step / 20) for step in range(STEPS)],
        rtol=1e-6,
    )
    weights = built().get_weights()
    wanted = delayed_rule.gradients(list(zip(weights[::2], weights[1::2], strict=True)), *given[0])
    norm = np.sqrt(sum((one**2).sum() for pair in wanted for one in pair))
    np.testing.assert_allclose(float(first.gradient_norm), norm, rtol=1e-5)


def test_an_optimizer_with_values_of_no_variable_is_refused():
    with pytest.raises(TaskError, match="its optimizer Nadam keeps one product for all stages: take Adam, or"):
        Training("2bw", optimizers.Nadam(RATE))
