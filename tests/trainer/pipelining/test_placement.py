"""A sketch of a model: the variables that it would have, and their memory only when it is wanted."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.trainer.pipelining import placement
from limbeck.trainer.pipelining.blocks import blocks_of, layout
from limbeck.trainer.pipelining.profile import costs
from tests.trainer.pipelining.models import MODELS, batch, built

WIDTH, DEPTH = 512, 8
MEGABYTES = WIDTH * WIDTH * 4 / 2**20


def wide():
    x = read = tf_keras.Input([WIDTH], name="x")
    for number in range(DEPTH):
        read = tf_keras.layers.Dense(WIDTH, activation="tanh", name=f"layer_{number}")(read)
        read = tf_keras.layers.BatchNormalization(name=f"norm_{number}")(read)
    return tf_keras.Model({"x": x}, read)


def used(kind):
    return tf.config.experimental.get_memory_info("CPU:0")[kind] / 2**20


def test_a_model_is_profiled_with_the_memory_of_one_block():
    with placement.sketched() as made:
        model = wide()
    found = layout(model, "the model", "a test")
    cuts = found.graph.joints()
    blocks = blocks_of(found, cuts)
    inputs = [tf.ones([4, WIDTH])]
    before = used("current")
    tf.config.experimental.reset_memory_stats("CPU:0")
    measured = costs(found, cuts, blocks, inputs, made)
    # The weights of a block, their gradient, and the initial value while it is assigned; all together have 8.
    assert used("peak") - before < 4 * MEGABYTES
    assert used("current") - before < MEGABYTES
    assert len(measured) == len(blocks) and all(one.seconds > 0 for one in measured)


@pytest.mark.parametrize("name", MODELS)
def test_the_model_that_is_placed_has_the_weights_of_one_that_is_not(name):
    plain = built(name)
    with placement.sketched() as made:
        sketch = built(name)
    found = layout(sketch, "the model", "a test")
    cuts = found.graph.cuts()[:1]
    blocks = blocks_of(found, cuts)
    costs(found, cuts, blocks, sketch._flatten_to_reference_inputs(batch().inputs), made)
    with placement.placed(placement.places(made, blocks, ("/cpu:0", "/cpu:0"))):
        model = built(name)
    for one, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
