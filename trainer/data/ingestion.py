"""Transformed examples -> training batches that are a pure function of (ids, seed, step, replica).

The obvious `list_files().shuffle().shard()` gives batches that depend on how the files happened to be cut, on
the order an example generator happened to write, and on how many workers read: nothing can be compared or
resumed exactly. Here the training split is packed once, with an index sorted by example id; a batch is looked up
by number. The files stay on disk and are read at random places, so a split need not fit in memory: the index
takes 13 bytes an example.

An epoch is a permutation of the examples; step s takes the global batch at positions [s*B, (s+1)*B) of all
epochs laid end to end, and replica r of R the r-th part of it. So every epoch sees each example once, and all
batches are full but the very last.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from limbeck.errors import DataError
from limbeck.examples import EXAMPLE_ID
from limbeck.objectives.objective import Objective
from limbeck.randomness import mix
from trainer.data.preprocessing import assert_declared

_RECORDS, _INDEX = "records.bin", "index.npy"
_ENTRY = np.dtype([("offset", "<i8"), ("length", "<i4"), ("labelled", "?")])
_READ_BATCH = 1024
_CHECK_BYTES = 1 << 20
Positions = npt.NDArray[np.int64]


class Denominators(NamedTuple):
    """What sums over the *global* batch are divided by: float32 scalars, the same on every replica."""

    examples: Any
    labelled: Any


@dataclasses.dataclass(frozen=True)
class Order:
    """Which examples a replica computes at each step.

    Attributes:
      examples: size of the training split.
      batch_size: global batch size.
      epochs: passes over the split.
      seed: of the permutations; None leaves the examples in the order of the index.
    """

    examples: int
    batch_size: int
    epochs: int
    seed: int | None

    @property
    def positions(self) -> int:
        """All positions of all epochs."""
        return self.examples * self.epochs

    @property
    def steps(self) -> int:
        """Optimizer steps."""
        return -(-self.positions // self.batch_size)

    def next_epoch_end(self, step: int) -> int:
        """The first step count above `step` by which an epoch has been seen as a whole."""
        finished = step * self.batch_size // self.examples
        return -(-(finished + 1) * self.examples // self.batch_size)

    def global_batch(self, step: int) -> Positions:
        """Positions of the global batch of a step: int64 `[at most batch_size]`."""
        begin = step * self.batch_size
        return np.arange(begin, min(begin + self.batch_size, self.positions), dtype=np.int64)

    def share(self, step: int, replica: int, replicas: int) -> slice:
        """The part of a global batch that one replica of several computes."""
        size = len(self.global_batch(step))
        return slice(size * replica // replicas, size * (replica + 1) // replicas)

    def rows(self, positions: Positions) -> Positions:
        """Index rows at `positions`: a permutation of all rows within each epoch."""
        epochs, offsets = np.divmod(positions, self.examples)
        if self.seed is None:
            return offsets
        rows = np.empty_like(offsets)
        for epoch in np.unique(epochs):
            now = epochs == epoch
            rows[now] = _permutation(self.examples, self.seed, int(epoch))[offsets[now]]
        return rows


# A batch at a seam needs two epochs; the next batches are looked up ahead of time.
@functools.lru_cache(maxsize=3)
def _permutation(examples: int, seed: int, epoch: int) -> Positions:
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch])))
    return generator.permutation(examples).astype(np.int64)


def pack(
    files: Sequence[str], destination: Path, label_key: str, objective: Objective, split: str = "training"
) -> int:
    """Packs the TFRecord files of one split, sorted by example id, into a folder.

    Args:
      files: TFRecord files (gzip, as Transform writes) of serialized tf.Examples with an `example_id`.
      destination: an empty folder.
      label_key: the feature that is the label of this training.
      objective: how that is encoded.
      split: what messages call it.

    Returns:
      The number of examples.

    Raises:
      DataError: where there are none, a file is truncated or corrupt, its records are no transformed examples, or
        a label is not one of the declared classes.
    """
    ids: list[npt.NDArray[np.object_]] = []
    lengths: list[int] = []
    labels: list[npt.NDArray[Any]] = []
    with (destination / _RECORDS).open("wb") as records:
        for batch_ids, batch_labels, serialized in _read(files, label_key, objective):
            ids.append(batch_ids)
            labels.append(batch_labels)
            lengths.extend(map(len, serialized))
            records.writelines(serialized)
    if not lengths:
        raise DataError(f"the {split} split holds no examples: check data.path and its split folders")
    all_labels = np.concatenate(labels)
    assert_declared(objective, all_labels, f"{split} examples")
    index = np.zeros(len(lengths), _ENTRY)
    index["length"] = lengths
    index["offset"][1:] = np.cumsum(index["length"][:-1], dtype=np.int64)
    index["labelled"] = objective.labelled(all_labels)
    order = np.argsort(np.concatenate(ids).astype("S"), kind="stable")
    np.save(destination / _INDEX, index[order])
    return len(lengths)


def batches(
    folder: str,
    order: Order,
    replicas: Sequence[int],
    replica_count: int,
    feature_spec: dict[str, Any],
    *,
    start: int = 0,
) -> Any:
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
    """

    seed = order.seed
    if seed is None:
        raise ValueError("an order without a seed has none for its examples: read it by numbered_batches")

    def seeded(features: Any, counts: Denominators, positions: Any) -> Any:
        return features, counts, mix(positions, seed)

    return (
        numbered_batches(folder, order, replicas, replica_count, feature_spec, start=start).map(seeded).prefetch(8)
    )


def numbered_batches(
    folder: str,
    order: Order,
    replicas: Sequence[int],
    replica_count: int,
    feature_spec: dict[str, Any],
    *,
    start: int = 0,
) -> Any:
    """The same batches with the int64 positions `[batch]` of the examples instead of their seeds."""
    import tensorflow as tf

    packed = PackedExamples(Path(folder))

    def look_up(number: int) -> tuple[Any, ...]:
        step, local = divmod(int(number), len(replicas))
        positions = order.global_batch(step)
        rows = order.rows(positions)
        mine = order.share(step, replicas[local], replica_count)
        labelled = np.float32(packed.labelled(rows).sum())
        return packed.read(rows[mine]), positions[mine], np.float32(len(rows)), labelled

    def batch(number: Any) -> Any:
        types = (tf.string, tf.int64, tf.float32, tf.float32)
        serialized, positions, examples, labelled = tf.numpy_function(look_up, [number], types, stateful=False)
        for vector in (serialized, positions):
            vector.set_shape([None])
        for scalar in (examples, labelled):
            scalar.set_shape([])
        return tf.io.parse_example(serialized, feature_spec), Denominators(examples, labelled), positions

    numbers = tf.data.Dataset.range(start * len(replicas), order.steps * len(replicas))
    return numbers.map(batch, num_parallel_calls=2, deterministic=True)


def replicas_of(strategy: Any, context: Any) -> range:
    """Numbers, within the job, of the replicas of the process that a tf.distribute.InputContext stands for."""
    local = strategy.num_replicas_in_sync // context.num_input_pipelines
    first = context.input_pipeline_id * local
    return range(first, first + local)


@dataclasses.dataclass(frozen=True)
class PackedExamples:
    """Random access to what `pack` wrote."""

    folder: Path

    def __post_init__(self) -> None:
        index = np.load(self.folder / _INDEX, mmap_mode="r", allow_pickle=False)
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "_records", np.memmap(self.folder / _RECORDS, np.uint8, "r"))

    _index: Any = dataclasses.field(init=False, repr=False)
    _records: Any = dataclasses.field(init=False, repr=False)

    def __len__(self) -> int:
        return len(self._index)

    def labelled(self, rows: Positions) -> npt.NDArray[np.bool_]:
        """Whether each of `rows` has a label: bool of the same length."""
        return np.asarray(self._index["labelled"][rows])

    def read(self, rows: Positions) -> npt.NDArray[np.object_]:
        """Serialized examples of `rows`, as an object array of bytes of the same length."""
        entries = self._index[rows]
        spans = zip(entries["offset"].tolist(), entries["length"].tolist(), strict=True)
        serialized = np.empty(len(entries), object)
        serialized[:] = [self._records[begin : begin + length].tobytes() for begin, length in spans]
        return serialized


def _read(files: Sequence[str], label_key: str, objective: Objective) -> Any:
    import tensorflow as tf

    spec = {
        EXAMPLE_ID: tf.io.FixedLenFeature([], tf.string),
        label_key: objective.label_spec(),
    }
    for file in sorted(files):
        try:
            _assert_whole(file)
            for serialized in tf.data.TFRecordDataset(file, compression_type="GZIP").batch(_READ_BATCH):
                keys = tf.io.parse_example(serialized, spec)
                yield keys[EXAMPLE_ID].numpy(), keys[label_key].numpy(), serialized.numpy().tolist()
        except (EOFError, gzip.BadGzipFile, zlib.error, tf.errors.DataLossError) as error:
            raise DataError(f"{file} is truncated or corrupt: write it again ({error})") from None
        except tf.errors.InvalidArgumentError as error:
            raise DataError(
                f"{file} must hold tf.Examples with one text '{EXAMPLE_ID}' and one {_words(objective)} '{label_key}' "
                f"each ({error.message})"
            ) from None


def _words(objective: Objective) -> str:
    size = f"{objective.label_shape} " if objective.label_shape else ""
    return size + ("integer" if objective.label_dtype == "int64" else "number")


def _assert_whole(file: str) -> None:
    """TensorFlow takes a stream that breaks off between two records, or before the first, for its end."""
    import tensorflow as tf

    with tf.io.gfile.GFile(file, "rb") as compressed, gzip.GzipFile(fileobj=compressed) as stream:
        while stream.read(_CHECK_BYTES):
            pass
