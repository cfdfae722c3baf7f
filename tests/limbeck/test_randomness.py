import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from limbeck.randomness import mix, normal, uniform, uniform_integers

_INT64 = st.integers(-(2**63), 2**63 - 1)


def splitmix64(start, index):
    """Output `index` of the generator with the state `start`, after Steele, Lea and Flood (2014)."""
    state = (start + (index + 1) * 0x9E3779B97F4A7C15) % 2**64
    bits = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) % 2**64
    return bits ^ (bits >> 31)


def signed(bits):
    return bits - 2**64 if bits >= 2**63 else bits


def test_the_reference_is_the_published_generator():
    # The first outputs for seed 1234567, as in the reference implementation by Vigna.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [splitmix64(1234567, index) for index in range(3)] == published


@given(st.lists(_INT64, min_size=1, max_size=20), st.integers(0, 2**70))
def test_mix_is_splitmix64_of_each_seed_in_the_stream_of_its_salt(seeds, salt):
    start = splitmix64(0, salt)
    expected = [signed(splitmix64(start, seed)) for seed in seeds]
    np.testing.assert_array_equal(mix(tf.constant(seeds, tf.int64), salt), np.array(expected, np.int64))


def test_mix_keeps_the_shape_and_gives_no_two_seeds_one_value():
    seeds = tf.reshape(tf.range(-5000, 5000, dtype=tf.int64), [100, 100])
    mixed = mix(seeds, 3)
    assert (mixed.shape, mixed.dtype) == ([100, 100], tf.int64)
    assert len(np.unique(mixed)) == 10_000


def test_mix_is_the_same_inside_a_graph():
    seeds = tf.range(100, dtype=tf.int64)
    np.testing.assert_array_equal(tf.function(lambda given: mix(given, 5))(seeds), mix(seeds, 5))


def test_streams_of_neighbouring_salts_are_not_each_other_moved_by_a_few():
    seeds = tf.range(1000, dtype=tf.int64)
    streams = [set(mix(seeds, salt).numpy().tolist()) for salt in range(5)]
    assert len(set().union(*streams)) == 5000


def test_neighbouring_seeds_differ_in_half_of_the_bits():
    mixed = mix(tf.range(2000, dtype=tf.int64), 0).numpy().view(np.uint64)
    bits = np.unpackbits((mixed[1:] ^ mixed[:-1]).view(np.uint8))
    assert abs(bits.mean() - 0.5) < 0.01


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 3), (-1, 2), (-7, -3), (10, 1010)])
def test_integers_are_in_range_and_uniform(low, high):
    drawn = uniform_integers(mix(tf.range(50_000, dtype=tf.int64), 11), low, high)
    assert (drawn.shape, drawn.dtype) == ([50_000], tf.int32)
    counts = np.bincount(drawn.numpy() - low, minlength=high - low)
    assert len(counts) == high - low
    # The seeds are fixed, so this cannot fail by chance.
    assert high - low == 1 or stats.chisquare(counts).pvalue > 0.01


def test_a_draw_depends_on_its_seed_alone():
    seeds = mix(tf.range(64, dtype=tf.int64), 2)
    whole = uniform_integers(seeds, 0, 1000, draw=1).numpy()
    order = np.random.default_rng(0).permutation(64)
    np.testing.assert_array_equal(uniform_integers(tf.gather(seeds, order), 0, 1000, draw=1), whole[order])
    np.testing.assert_array_equal(uniform_integers(seeds[17:18], 0, 1000, draw=1), whole[17:18])


@pytest.mark.parametrize("seeds", [tf.range(60_000, dtype=tf.int64), mix(tf.range(60_000, dtype=tf.int64), 0)])
@pytest.mark.parametrize("moved", [0, 1, -1])
def test_two_draws_are_independent_even_of_neighbouring_seeds(seeds, moved):
    first, second = (uniform_integers(seeds, 0, 4, draw).numpy() for draw in (0, 1))
    pairs = np.bincount(4 * first + np.roll(second, moved), minlength=16)
    assert stats.chisquare(pairs).pvalue > 0.01


def test_uniform_is_the_first_24_bits_of_the_hash():
    seeds = tf.range(4000, dtype=tf.int64)
    bits = mix(seeds, 5).numpy().astype(np.uint64) >> np.uint64(40)
    found = uniform(seeds, 5)
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(found, bits.astype(np.float64) / 2**24)
    assert stats.kstest(found.numpy(), "uniform").pvalue > 0.01


def test_normal_is_the_sum_of_eight_uniform_numbers():
    seeds = tf.range(4000, dtype=tf.int64)
    once = mix(seeds, 5).numpy()
    halves = np.stack([once, mix(tf.constant(once), 5).numpy()], axis=1).view(np.uint16).reshape(-1, 8)
    found = normal(seeds, 5)
    assert found.dtype == tf.float32
    expected = (halves.astype(np.float64).sum(axis=1) - 8 * (2**16 - 1) / 2) / np.sqrt(8 * (2**32 - 1) / 12)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert stats.kstest(found.numpy(), "norm").pvalue > 0.01
    assert abs(found.numpy().std() - 1) < 0.03
    np.testing.assert_array_equal(normal(tf.reshape(seeds, [40, 100]), 5).numpy().ravel(), found)
    np.testing.assert_array_equal(normal(seeds[7:8], 5), found[7:8])
