"""Dropout whose masks are a function of saved state."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.layers.dropout import Dropout

ONES = tf.ones([40, 50])


def built(rate=0.25, shape=(None, 50), **options):
    layer = Dropout(rate, **options)
    layer.build(shape)
    return layer


def draws(layer, count=3, inputs=ONES):
    return [layer(inputs, training=True).numpy() for _ in range(count)]


def same(some, others):
    return [np.array_equal(one, other) for one, other in zip(some, others, strict=True)]


def test_it_drops_its_share_and_scales_the_rest():
    dropped = np.stack(draws(built(seed=1), 50))
    assert set(np.unique(dropped)) == {0.0, np.float32(1 / 0.75)}
    # 100,000 entries: the standard deviation of the share is 0.0014.
    assert abs((dropped == 0).mean() - 0.25) < 0.007
    # No entry is favoured: each is dropped 12.5 of 50 times, give or take 3.1.
    assert (dropped == 0).sum(axis=0).max() < 12.5 + 6 * 3.1


@pytest.mark.parametrize("training", [False, None, 0, tf.constant(False)])
def test_it_does_nothing_but_in_training(training):
    layer = built(seed=1)
    np.testing.assert_array_equal(layer(ONES, training=training), ONES)
    assert layer.random_state.numpy().tolist() == [1, 0]


@pytest.mark.parametrize("training", [True, 1, tf.constant(True)])
def test_each_call_in_training_is_another_and_counts(training):
    layer = built(seed=1)
    first, second = (layer(ONES, training=training).numpy() for _ in range(2))
    assert not np.array_equal(first, second)
    assert layer.random_state.numpy().tolist() == [1, 2]


def test_a_graph_draws_what_eager_execution_draws():
    eager, graphed = built(seed=7), built(seed=7)

    @tf.function
    def in_a_graph(count):
        drawn = tf.TensorArray(tf.float32, size=count)
        for number in tf.range(count):
            drawn = drawn.write(number, graphed(ONES, training=True))
        return drawn.stack()

    expected = draws(eager, 4)
    np.testing.assert_array_equal(in_a_graph(tf.constant(3)), expected[:3])
    np.testing.assert_array_equal(in_a_graph(tf.constant(1)), expected[3:])
    np.testing.assert_array_equal(eager.random_state, graphed.random_state)


def test_a_layer_with_the_weights_of_another_goes_on_as_that_would_have():
    layer = built(seed=3)
    draws(layer, 2)
    other = built(seed=4)
    other.set_weights(layer.get_weights())
    assert same(draws(layer), draws(other)) == [True] * 3


def test_seeds_tell_layers_apart():
    one, again, other = built(seed=1), built(seed=1), built(seed=2)
    first = draws(one)
    assert same(first, draws(again)) == [True] * 3
    assert same(first, draws(other)) == [False] * 3


def model():
    x = tf_keras.Input([50], name="x")
    return tf_keras.Model({"x": x}, Dropout(0.5)(Dropout(0.5)(x)))


def test_without_a_seed_one_is_drawn_as_weights_are():
    states = []
    for seed in (1, 1, 2):
        tf_keras.utils.set_random_seed(seed)
        states.append([weight.tolist() for weight in model().get_weights()])
    assert states[0] == states[1]
    seeds = {seed for state in states for seed, _ in state}
    assert len(seeds) == 4


def test_a_mask_may_be_shared_along_an_axis():
    (dropped,) = draws(built(0.5, (None, 6, 50), noise_shape=(None, 1, 50)), 1, tf.ones([4, 6, 50]))
    assert (dropped == dropped[:, :1]).all()
    assert (dropped[0] != dropped[1]).any()


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float64])
def test_it_keeps_the_type_of_its_inputs(dtype):
    (dropped,) = draws(built(0.5, dtype=dtype, seed=1), 1, tf.ones([100, 50], dtype))
    assert dropped.dtype == dtype.as_numpy_dtype
    assert set(np.unique(dropped.astype(float))) == {0.0, 2.0}
    assert abs((dropped == 0).mean() - 0.5) < 0.05


def test_a_clone_has_the_arguments_of_its_original():
    layer = Dropout(0.3, noise_shape=(None, 1), seed=5, name="mine")
    clone = Dropout.from_config(layer.get_config())
    assert (clone.rate, clone.noise_shape, clone.seed, clone.name) == (0.3, (None, 1), 5, "mine")
    cloned = tf_keras.models.clone_model(tf_keras.Sequential([tf_keras.Input([50]), layer]))
    assert cloned.get_layer("mine").random_state.numpy().tolist() == [5, 0]


def test_gradients_pass_where_the_mask_does():
    layer, x = built(0.5, seed=1), tf.Variable(ONES)
    with tf.GradientTape() as tape:
        dropped = layer(x, training=True)
    np.testing.assert_array_equal(tape.gradient(dropped, x), dropped)


def test_a_served_model_drops_nothing_and_needs_nothing_of_ours(tmp_path):
    served = model()
    module = tf.Module()
    module.weights = served.variables
    serve = tf.function(lambda x: served({"x": x}, training=False), autograph=False)
    signature = serve.get_concrete_function(tf.TensorSpec([None, 50]))
    tf.saved_model.save(module, str(tmp_path), signatures=signature)
    assert not any("Random" in node.op or "Assign" in node.op for node in signature.graph.as_graph_def().node)
    answer = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](ONES)
    np.testing.assert_array_equal(next(iter(answer.values())), ONES)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match=f"at least 0 and below 1, received {rate}"):
        Dropout(rate)


def test_a_rate_of_0_drops_nothing():
    np.testing.assert_array_equal(draws(built(0.0), 1)[0], ONES)
