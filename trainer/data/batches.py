"""Packed examples and their order -> parsed batches, each looked up by its number.

A dataset that shuffles as it reads must read everything before a batch to come to it. Here a training that goes on
from step s reads nothing of the steps before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from limbeck.aliases import Dataset, Features, FeatureSpec, Tensor
from limbeck.errors import DamagedDataError, PassingFaultError
from limbeck.randomness import mix
from trainer.data import damage
from trainer.data.order import Order
from trainer.data.packing import PackedExamples


class Denominators(NamedTuple):
    """What sums over the *global* batch are divided by: float32 scalars, the same on every replica."""

    examples: Tensor
    labelled: Tensor


def batches(
    folder: str,
    order: Order,
    replicas: Sequence[int],
    replica_count: int,
    feature_spec: FeatureSpec,
    *,
    start: int = 0,
) -> Dataset:
    """The batches of some replicas of one process, step by step and, within a step, replica by replica.

    Args:
      folder: written by `pack`.
      order: which examples at which step.
      replicas: numbers of the replicas that read this dataset.
      replica_count: all replicas of the job.
      feature_spec: how to parse the transformed examples.
      start: the first step; those before it are not read.

    Returns:
      A finite tf.data.Dataset of (features by name, `Denominators`, int64 seeds `[batch]`).

    Raises:
      ValueError: where the order has no seed.
    """
    seed = order.seed
    if seed is None:
        raise ValueError("an order without a seed has none for its examples: read it by numbered_batches")

    def seeded(features: Features, counts: Denominators, positions: Tensor) -> tuple[Any, ...]:
        return features, counts, mix(positions, seed)

    return (
        numbered_batches(folder, order, replicas, replica_count, feature_spec, start=start).map(seeded).prefetch(8)
    )


def numbered_batches(
    folder: str,
    order: Order,
    replicas: Sequence[int],
    replica_count: int,
    feature_spec: FeatureSpec,
    *,
    start: int = 0,
) -> Dataset:
    """The same batches with the int64 positions `[batch]` of the examples instead of their seeds."""
    import tensorflow as tf

    packed = PackedExamples(folder)

    def look_up(number: int) -> tuple[Any, ...]:
        step, local = divmod(int(number), len(replicas))
        positions = order.global_batch(step)
        rows = order.rows(positions)
        mine = order.share(step, replicas[local], replica_count)
        labelled = np.float32(packed.labelled(rows).sum())
        with damage.noting(DamagedDataError, PassingFaultError):
            serialized = packed.read(rows[mine])
        return serialized, positions[mine], np.float32(len(rows)), labelled

    def batch(number: Tensor) -> tuple[Any, ...]:
        types = (tf.string, tf.int64, tf.float32, tf.float32)
        serialized, positions, examples, labelled = tf.numpy_function(look_up, [number], types, stateful=False)
        for vector in (serialized, positions):
            vector.set_shape([None])
        for scalar in (examples, labelled):
            scalar.set_shape([])
        return tf.io.parse_example(serialized, feature_spec), Denominators(examples, labelled), positions

    numbers = tf.data.Dataset.range(start * len(replicas), order.steps * len(replicas))
    return numbers.map(batch, num_parallel_calls=2, deterministic=True)
