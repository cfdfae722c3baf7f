"""Random numbers for augmentation, as a pure function of the example's place in the training.

A stateful generator gives other numbers after a restart, and with another number of workers. Here each example of
each step has its own seed, and every draw is a hash of that seed.
"""

from __future__ import annotations

from typing import Any

# SplitMix64 (Steele, Lea and Flood, 2014): increment and the two multipliers of its output function.
_GAMMA = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_MASK = 2**64 - 1


def mix(seeds: Any, salt: int) -> Any:
    """Hashes int64 `seeds` of any shape with `salt`. Returns int64 of the same shape.

    Seed n gets output n of a SplitMix64 generator. The generator starts at the hash of the salt. (If it started at the
    salt itself, neighbouring salts would give the same numbers, shifted by one seed.)
    """
    import tensorflow as tf

    offset = tf.constant((_finish(((salt + 1) * _GAMMA) & _MASK) + _GAMMA) & _MASK, tf.uint64)
    bits = tf.bitcast(tf.cast(seeds, tf.int64), tf.uint64) * tf.constant(_GAMMA, tf.uint64) + offset
    for shift, multiplier in ((30, _FIRST), (27, _SECOND)):
        shifted = tf.bitwise.right_shift(bits, tf.constant(shift, tf.uint64))
        bits = tf.bitwise.bitwise_xor(bits, shifted) * tf.constant(multiplier, tf.uint64)
    bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, tf.constant(31, tf.uint64)))
    return tf.bitcast(bits, tf.int64)


def _finish(bits: int) -> int:
    for shift, multiplier in ((30, _FIRST), (27, _SECOND)):
        bits = ((bits ^ (bits >> shift)) * multiplier) & _MASK
    return bits ^ (bits >> 31)


def uniform_integers(seeds: Any, low: int, high: int, draw: int = 0) -> Any:
    """Draws one integer in `[low, high)` for each seed.

    Args:
      seeds: int64 `[batch]`.
      low: the smallest value.
      high: one above the largest value.
      draw: the number of the draw. For one seed, different draws give independent values.

    Returns:
      int32 `[batch]`.
    """
    import tensorflow as tf

    return low + tf.cast(tf.math.floormod(mix(seeds, draw), tf.constant(high - low, tf.int64)), tf.int32)


def uniform(seeds: Any, draw: int = 0) -> Any:
    """Draws one number in `[0, 1)` for each seed, of 2^24 that are equally far apart.

    Args:
      seeds: int64 `[batch]`.
      draw: the number of the draw. For one seed, different draws give independent values.

    Returns:
      float32 `[batch]`, each exact.
    """
    import tensorflow as tf

    bits = tf.bitwise.right_shift(tf.bitcast(mix(seeds, draw), tf.uint64), tf.constant(40, tf.uint64))
    return tf.cast(tf.cast(bits, tf.int64), tf.float32) / 2.0**24


def normal(seeds: Any, draw: int = 0) -> Any:
    """Draws one number with mean 0 and variance 1 for each seed, almost normally distributed.

    It is the sum of eight uniform numbers (Irwin and Hall, 1927), made of integers, so it is the same number on every
    device and in a batch of any size. A logarithm and a cosine, as Box and Muller have it, are rounded differently. No
    number is farther than 4.9 from 0.

    Args:
      seeds: int64 of any shape.
      draw: the number of the draw. For one seed, different draws give independent values.

    Returns:
      float32 of the shape of `seeds`.
    """
    import tensorflow as tf

    bits = tf.stack([mix(seeds, draw), mix(mix(seeds, draw), draw)], axis=-1)
    parts = tf.cast(tf.bitcast(bits, tf.uint16), tf.int64)
    total = tf.reduce_sum(parts, axis=[-2, -1])
    variance = 8 * (2.0**32 - 1) / 12
    # The middle lies between two integers, so twice the distance is one.
    return tf.cast(2 * total - 8 * (2**16 - 1), tf.float32) / (2 * variance**0.5)
