import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.trainer.data.permutation import computed, permuted


@given(st.integers(1, 3000), st.integers(0, 2**64), st.integers(0, 9))
def test_the_network_permutes_all_numbers_below_a_count(count, seed, epoch):
    found = computed(np.arange(count), count, (seed, epoch))
    np.testing.assert_array_equal(np.sort(found), np.arange(count))


@given(st.integers(1, 2**40), st.data())
def test_where_a_number_lands_depends_on_no_other(count, data):
    numbers = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=20)))
    together = computed(numbers, count, (3, 1))
    assert [computed(numbers[place : place + 1], count, (3, 1))[0] for place in range(len(numbers))] == list(
        together
    )
    assert ((together >= 0) & (together < count)).all()


def test_the_network_equals_its_definition_one_number_at_a_time():
    """In Python's integers: divide into a pair, add a hash of one half to the other in turn, until below the count."""
    count, key = 1_234_567, (5, 2)
    height = int(count**0.5)
    width = -(-count // height)
    keys = [int(one) for one in np.random.SeedSequence(key).generate_state(6, np.uint64)]

    def hashed(bits):
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) % 2**64
        return bits ^ (bits >> 31)

    def one(number):
        while True:
            left, right = divmod(number, width)
            for turn, each in enumerate(keys):
                if turn % 2 == 0:
                    left = (left + hashed(right ^ each)) % height
                else:
                    right = (right + hashed(left ^ each)) % width
            number = left * width + right
            if number < count:
                return number

    numbers = np.arange(0, count, 9973)
    assert computed(numbers, count, key).tolist() == [one(int(number)) for number in numbers]


def test_large_counts_are_computed_and_small_ones_drawn():
    numbers = np.arange(1000)
    large = (1 << 20) + 1
    np.testing.assert_array_equal(permuted(numbers, large, (1, 0)), computed(numbers, large, (1, 0)))
    drawn = np.random.Generator(np.random.Philox(np.random.SeedSequence((1, 0)))).permutation(1000)
    np.testing.assert_array_equal(permuted(numbers, 1000, (1, 0)), drawn)


@pytest.mark.parametrize("key", [(0, 0), (0, 1), (7, 0)])
def test_neighbours_are_spread_as_by_a_fair_shuffle(key):
    """Chi-square over 64 x 64 cells of (from, to), and the mean distance of neighbours, which is a third."""
    count = 1 << 21
    numbers = np.arange(count)
    found = computed(numbers, count, key)
    cells, _, _ = np.histogram2d(numbers, found, bins=64)
    expected = count / 64**2
    chi_square, freedom = ((cells - expected) ** 2 / expected).sum(), 63**2
    assert abs(chi_square - freedom) < 5 * (2 * freedom) ** 0.5
    distance = np.abs(np.diff(found)).mean() / count
    assert distance == pytest.approx(1 / 3, abs=5 * (1 / 18 / count) ** 0.5)


def test_no_memory_is_taken_for_the_numbers_that_nobody_asks_for():
    count = 10**12
    assert computed(np.array([0, count - 1]), count, (1,)).max() < count
