"""Everything that training depends on is captured. `test_resumption` tests this under strategies."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import TaskError, TrainingFailedError
from limbeck.layers.dropout import Dropout
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.distribution.strategies import scope
from limbeck.trainer.fitting import precision
from limbeck.trainer.recovery.model_state import Reading, capture, restore

layers, optimizers = tf_keras.layers, tf_keras.optimizers
X = tf.random.stateless_normal([8, 3], [1, 2])


@pytest.fixture(params=["float32", "mixed_float16"])
def policy(request):
    tf_keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    tf_keras.mixed_precision.set_global_policy("float32")


def model(units=5, classes=2):
    x = tf_keras.Input([3], name="x")
    hidden = layers.BatchNormalization()(layers.Dense(units)(x))
    return tf_keras.Model({"x": x}, layers.Dense(classes, dtype="float32")(Dropout(0.5)(hidden)))


def schedule():
    return optimizers.schedules.CosineDecay(0.1, 10)


OPTIMIZERS = {
    "plain": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(schedule(), momentum=0.9, clipnorm=0.5),
    "adam": lambda: optimizers.Adam(schedule(), amsgrad=True),
    "decay": lambda: optimizers.AdamW(schedule()),
    "average": lambda: optimizers.Adam(schedule(), use_ema=True),
    "nadam": lambda: optimizers.Nadam(schedule()),
    "ftrl": lambda: optimizers.Ftrl(0.1),
    "adafactor": lambda: optimizers.Adafactor(0.1),
    "scaled": lambda: tf_keras.mixed_precision.LossScaleOptimizer(
        optimizers.Adam(schedule()), initial_scale=2.0**20, dynamic_growth_steps=2
    ),
}


def train(trained, optimizer, steps):
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((trained({"x": X}, training=True) - 1.0) ** 2)
            loss = optimizer.get_scaled_loss(loss) if hasattr(optimizer, "get_scaled_loss") else loss
        gradients = tape.gradient(loss, trained.trainable_variables)
        if hasattr(optimizer, "get_scaled_loss"):
            gradients = optimizer.get_unscaled_gradients(gradients)
        optimizer.apply_gradients(zip(gradients, trained.trainable_variables, strict=True))


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype
        np.testing.assert_array_equal(array, other[name], err_msg=name)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_restored_model_trains_on_as_the_captured_one(policy, name):
    one, its_optimizer = model(), OPTIMIZERS[name]()
    train(one, its_optimizer, 3)
    captured = capture(one, its_optimizer)
    kept = {key: array.copy() for key, array in captured.items()}
    other, other_optimizer = model(), OPTIMIZERS[name]()

    restore(other, other_optimizer, captured)

    assert_equal(capture(other, other_optimizer), captured)
    train(one, its_optimizer, 4)
    if name == "nadam":
        # `limbeck.trainer.recovery.exactness` warns of this count. Without it the result is correct, but not bit-equal.
        other_optimizer._u_product_counter = 4
    train(other, other_optimizer, 4)
    assert_equal(capture(other, other_optimizer), capture(one, its_optimizer))
    # The captured arrays are copies.
    assert_equal(captured, kept)
    assert any((captured[key] != array).any() for key, array in capture(one, its_optimizer).items())


def test_the_layout_follows_weights_and_optimizer():
    one, optimizer = model(), optimizers.Adam(schedule())
    train(one, optimizer, 2)
    captured = capture(one, optimizer)
    weights = [array for name, array in captured.items() if name.startswith("weights/")]
    for array, weight in zip(weights, one.get_weights(), strict=True):
        np.testing.assert_array_equal(array, weight)
    assert len(weights) == 9
    # Steps, two slots for each of six trained weights, and the learning rate.
    assert sorted(name for name in captured if not name.startswith("weights/")) == [
        f"optimizer/{number:04d}" for number in range(14)
    ]
    assert captured["optimizer/0000"] == 2
    np.testing.assert_allclose(captured["optimizer/0013"], schedule()(1))
    assert_equal(Reading(one, optimizer), captured)


@pytest.mark.parametrize(("other", "message"), [
    ({"units": 6}, r"dense\w*/kernel\S* has shape \(3, 6\) .* \(weights/0000\) it has shape \(3, 5\)"),
    ({"classes": 3}, r"has shape \(5, 3\) and type float32, but in the checkpoint \(weights/0007\)"),
])  # fmt: skip
def test_arrays_of_another_model_are_refused_and_change_nothing(other, message):
    captured = capture(model(), optimizers.Adam(schedule()))
    changed, optimizer = model(**other), optimizers.Adam(schedule())
    before = capture(changed, optimizer)
    with pytest.raises(TrainingFailedError, match=message):
        restore(changed, optimizer, captured)
    assert_equal(capture(changed, optimizer), before)


def test_arrays_of_another_optimizer_are_refused():
    captured = capture(model(), optimizers.SGD(0.1, momentum=0.9))
    with pytest.raises(
        TrainingFailedError, match=r"no counterpart: optimizer/0008, .*optimizer/0013\. The checkpoint is of anot"
    ):
        restore(model(), optimizers.Adam(schedule()), captured)


def test_an_array_of_another_type_is_refused():
    captured = capture(model(), optimizers.SGD(0.1))
    captured["weights/0001"] = captured["weights/0001"].astype(np.float64)
    with pytest.raises(TrainingFailedError, match=r"type float32, but .* type float64"):
        restore(model(), optimizers.SGD(0.1), captured)


def test_a_variable_of_texts_is_the_tasks_error():
    class Texts(layers.Layer):
        def build(self, input_shape):
            self.texts = self.add_weight(
                name="texts",
                shape=[],
                dtype=tf.string,
                initializer=lambda *_, **__: tf.constant("a"),
                trainable=False,
            )

        def call(self, inputs):
            return inputs

    x = tf_keras.Input([3])
    with pytest.raises(TaskError, match=r"texts\S* holds string values"):
        capture(tf_keras.Model(x, Texts()(x)), optimizers.SGD(0.1))


def test_a_vocabulary_is_left_to_the_builder_of_the_model():
    def adapted():
        text = tf_keras.Input([], dtype=tf.string)
        words = layers.TextVectorization(max_tokens=6, output_mode="multi_hot")
        words.adapt(["one two three"])
        return tf_keras.Model(text, layers.Dense(2)(words(text)))

    one, other, optimizer = adapted(), adapted(), optimizers.SGD(0.1)
    captured = capture(one, optimizer)
    assert [name for name in captured if name.startswith("weights/")] == ["weights/0000", "weights/0001"]
    restore(other, optimizers.SGD(0.1), captured)
    texts = tf.constant(["one", "three four"])
    np.testing.assert_array_equal(other(texts), one(texts))


@pytest.mark.parametrize("strategy", [
    tf.distribute.OneDeviceStrategy, tf.distribute.MirroredStrategy, tf.distribute.experimental.CentralStorageStrategy
])  # fmt: skip
def test_the_loss_scale_of_the_loop_is_state_of_the_optimizer(strategy):
    strategy = strategy("/cpu:0") if strategy is tf.distribute.OneDeviceStrategy else strategy(["/cpu:0"])
    training = TrainingConfig(precision="mixed_float16")
    made = []
    for _ in range(2):
        with scope(strategy):
            optimizer = optimizers.Adam(schedule())
            made.append((model(), optimizer, precision.loss_scale(training, optimizer)))
    (one, its_optimizer, scale), (other, other_optimizer, other_scale) = made
    scale.update(tf.constant(False))
    scale.update(tf.constant(True))
    restore(other, other_optimizer, capture(one, its_optimizer))
    assert [variable.numpy() for variable in other_scale.variables] == [precision.INITIAL_SCALE / 2, 1]
