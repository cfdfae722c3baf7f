"""Micro-batches against the whole batch: the rows, the gradients, and what is in memory at a time."""

import numpy as np
import pytest
import tensorflow as tf

from limbeck.trainer.fitting.micro_batches import added, cut
from tests.trainer.fitting.graphs import above

ROWS = 7


def batch():
    ragged = tf.ragged.constant([[i] * (i % 3) for i in range(ROWS)])
    dense = tf.reshape(tf.range(ROWS * 2), [ROWS, 2])
    return {"dense": dense, "ragged": ragged, "sparse": ragged.to_sparse()}, {"label": tf.range(ROWS)}


def values(tensor):
    """A list of rows of any kind of tensor."""
    if isinstance(tensor, tf.SparseTensor):
        return tf.sparse.to_dense(tensor, -1).numpy().tolist()
    return tensor.to_list() if isinstance(tensor, tf.RaggedTensor) else tensor.numpy().tolist()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("traced", [False, True])
def test_the_micro_batches_together_are_the_batch(count: int, traced: bool):
    take = tf.function(cut, autograph=False) if traced else cut
    parts = [take(batch(), count, part) for part in range(count)]
    for side, whole in enumerate(batch()):
        for name, tensor in whole.items():
            together = [row for part in parts for row in values(part[side][name])]
            assert together == values(tensor), name
    sizes = [len(values(targets["label"])) for _, targets in parts]
    assert max(sizes) - min(sizes) <= 1


def test_gradients_in_slices_are_added_row_by_row():
    table = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3))
    numbers = tf.constant([0, 3, 3, 1, 0, 2, 3])

    def compute(part):
        mine = cut(({"numbers": numbers}, {"label": numbers}), 3, part)[0]["numbers"]
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.gather(table, mine) ** 2)
        return [tape.gradient(value, table)]

    [gradient] = added(3, compute)
    assert isinstance(gradient, tf.IndexedSlices)
    counts = np.bincount(numbers, minlength=4)[:, np.newaxis]
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient), 2 * table.numpy() * counts)


def test_a_micro_batch_waits_for_the_one_before_it():
    """Without that, TensorFlow computes all at once, and holds the activations of all."""

    @tf.function(autograph=False)
    def call(x):
        return added(3, lambda part: [tf.sin(x, name=f"part{part}")])

    graph = call.get_concrete_function(tf.TensorSpec([], tf.float32)).graph
    behind = {op.name: {one.name for one in above(op)} for op in graph.get_operations()}
    assert "part0" not in behind["part0"]
    assert "part0" in behind["part1"]
    assert {"part0", "part1"} <= behind["part2"]
    np.testing.assert_allclose(call(tf.constant(0.5))[0], 3 * np.sin(0.5), rtol=1e-6)
