import numpy as np

from limbeck.trainer.asynchronous.shards import cut, whole


def test_shards_are_cut_and_put_together_again():
    generator = np.random.default_rng(0)
    weights = [generator.standard_normal(shape) for shape in [(7, 3), (3,), (), (4, 2), (2, 2)]]
    shapes = [(4, 3), (3, 3), (3,), (), (2, 2), (2, 2), (2, 2)]

    shards = cut(weights, shapes)

    assert [shard.shape for shard in shards] == shapes
    np.testing.assert_array_equal(shards[1], weights[0][4:])
    for one, other in zip(whole(shards, [one.shape for one in weights]), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_not_cut_stays_as_it_is():
    weights = [np.ones([2, 2]), np.zeros([])]
    assert all(one is other for one, other in zip(cut(weights, [(2, 2), ()]), weights, strict=True))
