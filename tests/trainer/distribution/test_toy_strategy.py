"""A strategy that no file of the project knows trains a job, with a scope of its own."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from limbeck.settings.strategy import StrategyConfig
from limbeck.strategies.kind import StrategyKind
from limbeck.strategies.registry import STRATEGIES
from limbeck.trainer import training
from limbeck.trainer.distribution import strategies
from tests.trainer.world import weights


class Toy(StrategyKind):
    """One replica, as TensorFlow makes it for a single mirrored device. Its scope starts each kernel from zeros."""

    name = "toy_mirror"

    def __init__(self):
        self.built = []

    def check(self, settings):
        """Refuses nothing."""

    def build(self, settings):
        self.built.append(tf.distribute.MirroredStrategy(["/cpu:0"], tf.distribute.ReductionToOneDevice()))
        return self.built[-1]

    @contextlib.contextmanager
    def variable_scope(self, strategy):
        def zeros(create, **options):
            value = options["initial_value"]
            options["initial_value"] = (lambda: tf.zeros_like(value())) if callable(value) else value
            return create(**options)

        with tf.variable_creator_scope(zeros) if strategy in self.built else contextlib.nullcontext():
            yield


@pytest.fixture
def toy(monkeypatch):
    made = Toy()
    monkeypatch.setitem(STRATEGIES, made.name, made)
    return made


def test_a_job_is_trained_under_a_strategy_that_only_the_registry_knows(world, tmp_path, toy):
    job = world.job(tmp_path / "job", strategy=StrategyConfig(name="toy_mirror"))
    training.run(job)
    assert len(toy.built) == 1
    plain = world.job(tmp_path / "plain")
    training.run(plain)
    # With kernels of zeros the units of a layer stay equal, because they get the same gradients.
    kernel, other = weights(job)[0], weights(plain)[0]
    assert np.abs(kernel - kernel[:, :1]).max() == 0
    assert np.abs(other - other[:, :1]).max() > 0.1


def test_its_scope_does_not_affect_other_strategies(toy):
    def made(strategy):
        with strategies.scope(strategy):
            return float(tf.convert_to_tensor(tf.Variable(lambda: tf.constant(5.0))))

    assert made(strategies.build(StrategyConfig(name="toy_mirror"))) == 0
    assert made(tf.distribute.OneDeviceStrategy("/cpu:0")) == 5
