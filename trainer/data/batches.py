"""Reads batches of packed examples. Each batch is looked up by its number.

To reach a batch, a dataset that shuffles while it reads must read all data before this batch. Here a training that
resumes at step s reads nothing of the earlier steps. And nothing is parsed: rows are gathered from a memory-mapped
file, several small batches at a time.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from limbeck.aliases import Dataset, Features, FeatureSpec, Tensor
from limbeck.errors import DamagedDataError, PassingFaultError
from limbeck.randomness import mix
from limbeck.trainer.data import damage
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import shared
from limbeck.trainer.data.permutation import Positions
from limbeck.trainer.data.tensors import all_dense, arrays_of, features_of, types_of

# Small compared with the memory of a process. Reading it takes long compared with a call of Python.
_CHUNK_BYTES = 1 << 19


# Takes features by name, `Denominators`, seeds, and maybe the features of the partners.
Arrange = Callable[..., tuple[Any, ...]]
# A function of positions, int64 `[examples]`, that returns rows of the index.
Partners = Callable[[Positions], Positions]


class Denominators(NamedTuple):
    """The counts by which sums over the *global* batch are divided, and its progress. They are equal on every replica.

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
    partners: Partners | None = None,
    arrange: Arrange | None = None,
) -> Dataset:
    """Returns the batches of some replicas of one process: step by step, and within a step replica by replica.

    Args:
      folder: folder that `limbeck.trainer.data.packing.pack` wrote.
      order: which examples are used at which step.
      replicas: numbers of the replicas that read this dataset.
      replica_count: number of all replicas of the job.
      feature_spec: the requested features, as `tf.io.parse_example` takes them.
      start: the first step. The steps before it are not read.
      partners: the row of the partner of each example, by its position (`Order.partners`); None: there are no partners.
      arrange: takes the values that are described below, and returns those that the dataset shall yield. It gets
        several batches at once, with one more axis in front, so it may not depend on shapes.

    Returns:
      A finite tf.data.Dataset of (features by name, `Denominators`, int64 seeds `[batch]`). Each example has another
      seed in each epoch. With partners, their features by name come fourth.

    Raises:
      ValueError: if the order has no seed.
      DataError: if the split was packed without a feature; and (while it is read) if an example is not the one that was
        packed.
    """
    seed = order.seed
    if seed is None:
        raise ValueError("an order without a seed has none for its examples: read it by numbered_batches")

    def seeded(features: Features, counts: Denominators, positions: Tensor, *others: Features) -> tuple[Any, ...]:
        made = features, counts, mix(positions, seed), *others
        return arrange(*made) if arrange else made

    return numbered_batches(
        folder, order, replicas, replica_count, feature_spec, start=start, partners=partners, arrange=seeded
    )


def numbered_batches(
    folder: str,
    order: Order,
    replicas: Sequence[int],
    replica_count: int,
    feature_spec: FeatureSpec,
    *,
    start: int = 0,
    partners: Partners | None = None,
    arrange: Arrange | None = None,
) -> Dataset:
    """Returns the same batches, with the int64 positions `[batch]` of the examples instead of their seeds.

    Args are as for `batches`. The order needs no seed.
    """
    import tensorflow as tf

    packed = shared(folder)
    layout, dense = packed.layout, all_dense(packed.layout, feature_spec)
    size = 1
    if len(replicas) == 1 and dense:
        share = -(-order.batch_size // replica_count)
        size = max(1, _CHUNK_BYTES // (8 * layout.words * share * (2 if partners else 1)))
    chunks = _Chunks(order, replicas, start, size)

    def look_up(number: int) -> tuple[Any, ...]:
        steps, replica = chunks.steps(int(number))
        positions = order.positions_of(steps)
        rows = order.rows(positions).reshape(len(steps), -1)
        share = order.share(steps[0], replica, replica_count)
        mine = positions.reshape(rows.shape)[:, share]
        labelled = packed.labelled(rows.ravel()).reshape(rows.shape).sum(axis=1, dtype=np.float32)
        with damage.noting(DamagedDataError, PassingFaultError):
            read = [packed.read(rows[:, share].ravel(), streams=not dense)]
            if partners:
                read.append(packed.read(partners(mine.ravel()), streams=not dense))
        progress = np.array([order.progress(step) for step in steps], np.float32)
        counts = [np.full(len(steps), rows.shape[1], np.float32), labelled, progress]
        arrays = itertools.chain.from_iterable(arrays_of(layout, one) for one in read)
        return *counts, mine, *arrays

    types = types_of(layout, streams=not dense)
    wanted = [tf.float32] * 3 + [tf.int64] + types * (2 if partners else 1)

    def chunk(number: Tensor) -> tuple[Any, ...]:
        found = tf.numpy_function(look_up, [number], wanted, stateful=False)
        counts, positions, arrays = found[:3], found[3], found[4:]
        for one in counts:
            one.set_shape([None])
        positions.set_shape([None, None])
        lead = tf.shape(positions)
        if not chunks.cut:
            counts, positions, lead = [one[0] for one in counts], positions[0], lead[1:]
        groups = [arrays[begin : begin + len(types)] for begin in range(0, len(arrays), len(types))]
        features, *others = (features_of(layout, feature_spec, group, lead) for group in groups)
        made = features, Denominators(*counts), positions, *others
        return arrange(*made) if arrange else made

    # No control flow of Python depends on a tensor here. Autograph would take a second to find this out.
    as_it_is = tf.autograph.experimental.do_not_convert
    read = tf.data.Dataset.range(chunks.count).map(as_it_is(chunk), num_parallel_calls=2, deterministic=True)
    if chunks.cut:
        # `unbatch` would crash the process if a replica gets no example of the last batch (TensorFlow 2.16).
        read = read.flat_map(as_it_is(lambda *found: tf.data.Dataset.from_tensor_slices(found)))
    return read.prefetch(8)


@dataclasses.dataclass(frozen=True)
class _Chunks:
    """The groups of batches that are looked up in one call of Python, which takes as long as reading a small batch.

    Attributes:
      order: the order of the training.
      replicas: numbers of the replicas that read.
      start: the first step.
      size: number of steps that are looked up together.
    """

    order: Order
    replicas: Sequence[int]
    start: int
    size: int

    @property
    def cut(self) -> bool:
        """Whether a chunk may hold several batches."""
        return self.size > 1

    @property
    def count(self) -> int:
        """Number of chunks. The last batch may be smaller, and has its own chunk."""
        full, steps = max(self.order.full_steps - self.start, 0), self.order.steps
        chunks = -(-full // self.size) + (steps > max(self.order.full_steps, self.start))
        return chunks * len(self.replicas)

    def steps(self, number: int) -> tuple[range, int]:
        """Returns the steps of a chunk, and the number of its replica."""
        chunk, local = divmod(number, len(self.replicas))
        first, full = self.start + chunk * self.size, self.order.full_steps
        if first >= full:
            return range(self.order.steps - 1, self.order.steps), self.replicas[local]
        return range(first, min(first + self.size, full)), self.replicas[local]
