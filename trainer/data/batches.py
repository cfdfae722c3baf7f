"""Reads batches of packed examples. Each batch is looked up by its number.

A dataset that shuffles while it reads must read everything before a batch to get to it. Here a training that resumes at
step s reads nothing of the steps before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from limbeck.aliases import Dataset, Features, FeatureSpec, Tensor
from limbeck.errors import DamagedDataError, PassingFaultError
from limbeck.randomness import mix
from limbeck.trainer.data import damage
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packing import PackedExamples


class Denominators(NamedTuple):
    """The counts by which sums over the *global* batch are divided, and its place: the same on every replica.

    Attributes:
      examples: number of examples, a float32 scalar.
      labelled: number of examples with a label, a float32 scalar.
      progress: how far the training is, a float32 scalar: 0 at the first optimizer step, 1 at the last one.
    """

    examples: Tensor
    labelled: Tensor
    progress: Tensor = 0.0


def batches(
    folder: str,
    order: Order,
    replicas: Sequence[int],
    replica_count: int,
    feature_spec: FeatureSpec,
    *,
    start: int = 0,
    partners: bool = False,
) -> Dataset:
    """Returns the batches of some replicas of one process: step by step, and within a step replica by replica.

    Args:
      folder: folder that `limbeck.trainer.data.packing.pack` wrote.
      order: which examples are used at which step.
      replicas: numbers of the replicas that read this dataset.
      replica_count: number of all replicas of the job.
      feature_spec: how to parse the transformed examples.
      start: the first step. The steps before it are not read.
      partners: whether each example gets a partner (`Order.partners`).

    Returns:
      A finite tf.data.Dataset of (features by name, `Denominators`, int64 seeds `[batch]`). Each example has another
      seed in each epoch. With partners, their features by name come fourth.

    Raises:
      ValueError: if the order has no seed.
      DataError: (while it is read) if an example is not the one that was packed.
    """
    seed = order.seed
    if seed is None:
        raise ValueError("an order without a seed has none for its examples: read it by numbered_batches")

    def seeded(features: Features, counts: Denominators, positions: Tensor, *others: Features) -> tuple[Any, ...]:
        return features, counts, mix(positions, seed), *others

    read = numbered_batches(folder, order, replicas, replica_count, feature_spec, start=start, partners=partners)
    return read.map(seeded).prefetch(8)


def numbered_batches(
    folder: str,
    order: Order,
    replicas: Sequence[int],
    replica_count: int,
    feature_spec: FeatureSpec,
    *,
    start: int = 0,
    partners: bool = False,
) -> Dataset:
    """Returns the same batches, with the int64 positions `[batch]` of the examples instead of their seeds.

    Args are those of `batches`. The order needs no seed.
    """
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
            others = [packed.read(order.partners(positions[mine]))] if partners else []
        return (
            serialized,
            positions[mine],
            np.float32(len(rows)),
            labelled,
            np.float32(order.progress(step)),
            *others,
        )

    def batch(number: Tensor) -> tuple[Any, ...]:
        types = (tf.string, tf.int64, tf.float32, tf.float32, tf.float32, *([tf.string] if partners else []))
        found = tf.numpy_function(look_up, [number], types, stateful=False)
        serialized, positions, scalars, others = found[0], found[1], found[2:5], found[5:]
        for vector in (serialized, positions, *others):
            vector.set_shape([None])
        for scalar in scalars:
            scalar.set_shape([])
        parsed, *mates = (tf.io.parse_example(one, feature_spec) for one in (serialized, *others))
        return parsed, Denominators(*scalars), positions, *mates

    numbers = tf.data.Dataset.range(start * len(replicas), order.steps * len(replicas))
    return numbers.map(batch, num_parallel_calls=2, deterministic=True)
