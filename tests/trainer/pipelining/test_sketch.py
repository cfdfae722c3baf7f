"""Sketches of models: what is asked of them without memory, and their values one block at a time."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.trainer.pipelining import placement
from limbeck.trainer.pipelining.blocks import blocks_of, layout
from limbeck.trainer.pipelining.profile import costs
from limbeck.trainer.pipelining.sketch import answered, answered_nothing, sketched, slots_sketched
from limbeck.trainer.pipelining.variable_handles import plain
from tests.trainer.pipelining.models import MODELS, batch, built
from tests.trainer.tensor_memory import counting

pytestmark = pytest.mark.long

WIDTH, DEPTH = 512, 8
MEGABYTES = WIDTH * WIDTH * 4 / 2**20


def wide():
    x = read = tf_keras.Input([WIDTH], name="x")
    for number in range(DEPTH):
        read = tf_keras.layers.Dense(WIDTH, activation="tanh", name=f"layer_{number}")(read)
        read = tf_keras.layers.BatchNormalization(name=f"norm_{number}")(read)
    return tf_keras.Model({"x": x}, read)


def parts(model):
    """Returns the layout of a model, its cuts, and its blocks, as small as they can be."""
    found = layout(model, "the model", "a test")
    return found, found.graph.cuts(), blocks_of(found, found.graph.cuts())


def test_a_model_is_profiled_with_the_memory_of_one_block():
    peak, current = counting(profiled)
    # The weights of a block, their gradient, and the initial value while it is assigned; all together have 8.
    assert peak < 4 * MEGABYTES
    assert current < MEGABYTES


def profiled(used):
    with sketched() as made:
        model = wide()
    found, cuts, blocks = parts(model)
    measured = costs(found, cuts, blocks, [tf.ones([4, WIDTH])], made)
    assert len(measured) == len(blocks) and all(one.seconds > 0 for one in measured)
    return used("peak"), used("current")


def test_a_model_answers_with_the_memory_of_one_block():
    peak, current = counting(asked)
    # Drawing the weights of a block takes some more.
    assert peak < 4 * MEGABYTES
    assert current < MEGABYTES


def asked(used):
    with sketched() as made:
        model = wide()
    found, cuts, blocks = parts(model)
    answered(found, cuts, blocks, [tf.ones([4, WIDTH])], made)
    answered_nothing(found, cuts, blocks, [tf.ones([0, WIDTH])], made)
    return used("peak"), used("current")


def test_an_optimizer_is_built_with_the_memory_of_one_slot():
    assert counting(with_slots) < 2 * MEGABYTES


def with_slots(used):
    with sketched():
        model = wide()
    optimizer = tf_keras.optimizers.Adam(use_ema=True)
    with slots_sketched():
        optimizer.build(model.trainable_variables)
    assert len(optimizer.variables) > 3 * len(model.trainable_variables)
    assert optimizer.iterations.numpy() == 0
    return used("peak")


@pytest.mark.parametrize("name", MODELS)
def test_a_sketch_with_the_weights_of_a_model_answers_as_it_does(name):
    """Also where Keras hides a mask in what goes from block to block."""
    model, given = built(name), batch().inputs
    with sketched() as made:
        drawn = built(name)
    weights = {id(one): value for one, value in zip(drawn.variables, model.get_weights(), strict=True)}
    same = [one._replace(initial=weights[id(one.variable)].copy) if one.initial else one for one in made]
    found, cuts, blocks = parts(drawn)
    inputs = drawn._flatten_to_reference_inputs(given)
    (outputs,) = answered(found, cuts, blocks, inputs, same)
    wanted = model(given, training=False).numpy()
    np.testing.assert_allclose(outputs, wanted, rtol=1e-5, atol=1e-6)
    whole = tf.function(drawn).get_concrete_function({key: given[key] for key in drawn.input_names})
    assert whole.structured_outputs.shape[-1] == wanted.shape[-1]


def test_variables_whose_values_keras_casts_have_places_and_values():
    """Keras wraps them: the model has wrappers, and what is made has not."""
    tf_keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        with sketched() as made:
            model = wide()
        found, cuts, blocks = parts(model)
        (outputs,) = answered(found, cuts, blocks, [tf.ones([4, WIDTH])], made)
        assert outputs.dtype == tf.bfloat16
        names = [f"/cpu:{number}" for number in range(len(blocks))]
        places = placement.places(made, blocks, names)
        assert len(places) == len(model.weights)
        assert {id(plain(one)) for one in model.weights} <= {id(one.variable) for one in made}
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
