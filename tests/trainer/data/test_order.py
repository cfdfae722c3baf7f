import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from limbeck.trainer.data.order import Order

ORDERS = st.builds(
    Order,
    examples=st.integers(1, 60),
    batch_size=st.integers(1, 70),
    epochs=st.integers(1, 4),
    seed=st.integers(0, 2**64),
)


@given(ORDERS)
def test_steps_cut_all_positions_into_full_batches_but_the_last(order):
    cut = [order.global_batch(step) for step in range(order.steps)]
    np.testing.assert_array_equal(np.concatenate(cut), np.arange(order.examples * order.epochs))
    assert all(len(batch) == order.batch_size for batch in cut[:-1])
    assert 1 <= len(cut[-1]) <= order.batch_size


@given(ORDERS, st.integers(1, 9), st.data())
def test_shares_partition_the_global_batch_evenly(order, replicas, data):
    step = data.draw(st.integers(0, order.steps - 1))
    batch = order.global_batch(step)
    shares = [batch[order.share(step, replica, replicas)] for replica in range(replicas)]
    np.testing.assert_array_equal(np.concatenate(shares), batch)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@given(ORDERS)
def test_every_epoch_is_a_permutation_of_the_rows(order):
    rows = order.rows(np.arange(order.positions)).reshape(order.epochs, order.examples)
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(order.examples), (order.epochs, 1)))


@given(ORDERS, st.data())
def test_rows_depend_on_their_positions_alone(order, data):
    positions = np.array(data.draw(st.lists(st.integers(0, order.positions - 1), min_size=1)))
    whole = Order(order.examples, 7, order.epochs, order.seed).rows(np.arange(order.positions))
    np.testing.assert_array_equal(order.rows(positions), whole[positions])


def test_seeds_and_epochs_permute_differently():
    permutations = [
        tuple(Order(100, 10, 3, seed).rows(np.arange(100) + 100 * epoch))
        for seed in range(4)
        for epoch in range(3)
    ]
    assert len(set(permutations)) == 12
    assert all(permutation != tuple(range(100)) for permutation in permutations)


def test_the_order_is_the_same_in_every_version():
    # Fixes the permutation, because resumed trainings and comparisons between machines rely on it.
    assert Order(8, 4, 2, seed=7).rows(np.arange(16)).tolist() == [1, 0, 4, 2, 3, 5, 7, 6, 7, 2, 3, 0, 1, 5, 4, 6]


def test_an_epoch_ends_with_the_step_that_completes_it():
    order, ends, done = Order(43, 8, epochs=3, seed=1), [], 0
    while done < order.steps:
        done = order.next_epoch_end(done)
        ends.append(done)
    assert ends == [-(-43 * epoch // 8) for epoch in (1, 2, 3)] == [6, 11, 17]
    assert Order(3, 8, epochs=4, seed=0).next_epoch_end(0) == 1
