"""Mixtures of examples, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import TaskError
from limbeck.randomness import mix, uniform
from limbeck.trainer.data.batches import batches
from limbeck.trainer.data.mixup import _PARTNER, _SHARE, assert_mixable, mixed
from limbeck.trainer.data.order import Order
from tests.trainer import packed

SEEDS = tf.constant([3, 17, -5], tf.int64)


def test_a_mixture_lies_between_both_examples():
    one, other = np.random.default_rng(0).standard_normal([2, 3, 2, 4]).astype(np.float32)
    shares = uniform(SEEDS, _SHARE).numpy()[:, None, None]

    found = mixed({"x": tf.constant(one)}, {"x": tf.constant(other)}, SEEDS, None)["x"]

    np.testing.assert_allclose(found, shares * one + (1 - shares) * other, rtol=1e-6, atol=1e-7)
    assert len(set(shares.ravel())) == 3


def test_both_examples_are_augmented_each_by_its_own_seed():
    def augment(inputs, seeds):
        return {"x": inputs["x"] + tf.cast(seeds[:, tf.newaxis] % 1000, tf.float32)}

    zeros = {"x": tf.zeros([3, 1])}
    shares = uniform(SEEDS, _SHARE).numpy()
    first, second = SEEDS.numpy() % 1000, mix(SEEDS, _PARTNER).numpy() % 1000

    found = mixed(zeros, zeros, SEEDS, augment)["x"]

    np.testing.assert_allclose(found[:, 0], shares * first + (1 - shares) * second, rtol=1e-5)


def test_each_example_is_a_partner_once_an_epoch_whoever_asks():
    order = Order(examples=10, batch_size=4, epochs=2, seed=7)
    whole = order.partners(np.arange(20))
    assert sorted(whole[:10]) == sorted(whole[10:]) == list(range(10))
    assert (whole != order.rows(np.arange(20))).any() and (whole[:10] != whole[10:]).any()
    np.testing.assert_array_equal(order.partners(np.arange(5, 12)), whole[5:12])


def test_batches_bring_the_partners(tmp_path):
    folder = packed.pack_all(tmp_path / "packed", packed.examples(10))
    order = Order(examples=10, batch_size=4, epochs=2, seed=7)
    (index,) = batches(folder, Order(10, 10, 1, 7), (0,), 1, packed.SPEC).as_numpy_iterator()
    by_row = dict(zip(Order(10, 10, 1, 7).rows(np.arange(10)).tolist(), index[0]["x"].tolist(), strict=True))

    for start in (0, 2):
        found = list(
            batches(folder, order, (0,), 1, packed.SPEC, start=start, partners=order.partners).as_numpy_iterator()
        )
        for step, (_, _, _, partners) in enumerate(found, start=start):
            rows = order.partners(order.global_batch(step)).tolist()
            assert partners["x"].tolist() == [by_row[row] for row in rows]


def test_what_has_no_mixture_is_refused():
    spec = {
        "x": tf.io.FixedLenFeature([3], tf.float32),
        "word": tf.io.FixedLenFeature([], tf.int64),
        "tags": tf.io.VarLenFeature(tf.float32),
    }
    with pytest.raises(TaskError, match="the models of task 'texts' also take tags, word, which have no mixture"):
        assert_mixable(spec, "texts")
    assert_mixable({"x": spec["x"]}, "numbers")
