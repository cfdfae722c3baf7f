import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import TrainingFailedError
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.data.input_pipeline import PerReplicaPipeline
from limbeck.trainer.fitting import precision
from limbeck.trainer.fitting.differentiation import WholeModel
from limbeck.trainer.fitting.gradient_step import GradientStep
from limbeck.trainer.fitting.loop import fit


def test_the_policy_holds_while_the_context_lasts_and_no_longer():
    with precision.policy("mixed_bfloat16"):
        inside = tf_keras.layers.Dense(1)
        with pytest.raises(KeyError), precision.policy("mixed_float16"):
            raise KeyError
        assert tf_keras.mixed_precision.global_policy().name == "mixed_bfloat16"
    assert (inside.compute_dtype, inside.variable_dtype) == ("bfloat16", "float32")
    assert tf_keras.layers.Dense(1).compute_dtype == "float32"


@pytest.mark.parametrize("name", ["float32", "mixed_bfloat16"])
def test_only_float16_needs_a_loss_scale(name):
    assert precision.loss_scale(TrainingConfig(precision=name), tf_keras.optimizers.SGD()) is None


def test_the_scale_follows_the_rule(monkeypatch):
    monkeypatch.setattr(precision, "GROWTH_STEPS", 3)
    made = precision.LossScale()
    scale, steps, scales = precision.INITIAL_SCALE, 0, []
    pattern = [True] * 7 + [False, True, True, False] + [False] * 16 + [True] * 10
    for finite in pattern:
        made.update(tf.constant(finite))
        scales.append(float(made.value))
        if not finite:
            scale, steps = max(scale / 2, 1.0), 0
        elif steps == 2:
            scale, steps = scale * 2, 0
        else:
            steps += 1
        assert (scales[-1], int(made.variables[1])) == (scale, steps)
    assert (min(scales), max(scales)) == (1.0, 4 * precision.INITIAL_SCALE)


def test_a_scale_never_becomes_infinite(monkeypatch):
    monkeypatch.setattr(precision, "GROWTH_STEPS", 1)
    made = precision.LossScale()
    made.variables[0].assign(2.0**127)
    made.update(tf.constant(True))
    assert float(made.value) == 2.0**127


def test_unscaling_undoes_scaling_to_the_bit():
    made = precision.LossScale()
    gradient = tf.random.stateless_normal([50], [1, 2])
    slices = tf.IndexedSlices(gradient[:, tf.newaxis] * made.value, tf.range(50), tf.constant([50, 1]))
    dense, sparse = made.unscaled([gradient * made.value, slices])
    np.testing.assert_array_equal(dense, gradient)
    np.testing.assert_array_equal(sparse.values[:, 0], gradient)


class OneNumber:
    """Trains a float16 model of one weight w on the loss factor * w * x."""

    def __init__(self, *x, factor=1.0):
        self.strategy, self.factor = tf.distribute.OneDeviceStrategy("/cpu:0"), factor
        training = TrainingConfig(precision="mixed_float16")
        with precision.policy(training.precision), self.strategy.scope():
            given = tf_keras.Input([1])
            layer = tf_keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
            self.model = tf_keras.Model(given, layer(given))
            self.optimizer = tf_keras.optimizers.SGD(0.5)
            self.scale = precision.loss_scale(training, self.optimizer)
        self.data = tf.data.Dataset.from_tensor_slices(np.array(x, np.float32).reshape([-1, 1, 1]))

    def fit(self, steps):
        def loss(logits, targets, counts):
            return self.factor * tf.reduce_sum(tf.cast(logits, tf.float32))

        return fit(
            GradientStep(
                self.strategy, self.model, self.optimizer, WholeModel(self.model, loss), loss_scale=self.scale
            ),
            PerReplicaPipeline(self.strategy, lambda context: self.data.map(lambda x: (x, {}, ()))),
            steps=steps,
            steps_per_call=1,
        )

    @property
    def weight(self):
        return float(self.model.get_weights()[0][0, 0])


def test_a_gradient_that_overflows_skips_its_step_and_halves_the_scale():
    # 3 * 2^15 is above the largest float16, 65504, and 1.5 * 2^15 is below it. The loss itself stays finite.
    one = OneNumber(3.0, 1.5, 3.0)
    fitted = one.fit(3)
    assert [point.gradient_norm for point in fitted.curve] == [None, 1.5, 3.0]
    assert one.weight == 1.0 - 0.5 * (1.5 + 3.0)
    assert float(one.scale.value) == 2.0**14
    # The schedule counts all steps, skipped or not.
    assert int(one.optimizer.iterations) == 3


def test_the_loss_scale_saves_gradients_that_float16_would_lose():
    tiny = 2.0**-26
    assert np.float16(tiny) == 0
    one = OneNumber(1.0, 1.0, factor=tiny)
    assert one.fit(1).curve[0].gradient_norm == tiny
    one.scale = None
    assert one.fit(1).curve[0].gradient_norm == 0


def test_a_gradient_that_overflows_without_a_scale_ends_the_training():
    one = OneNumber(1.0, factor=1e5)
    one.scale.variables[0].assign(1.0)
    with pytest.raises(TrainingFailedError, match=r"at step 1 of 1: the loss is 100000, the gradient norm inf"):
        one.fit(1)
