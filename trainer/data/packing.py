"""Packs a split of transformed examples into a folder, in which each example is found by its number.

Transform writes compressed shards. They can only be read from front to back, in an order that depends on who wrote
them, and whoever reads them parses each example again. So each split is packed once:

  records.bin    a row of fixed width for each example, sorted by example id (`limbeck.trainer.data.layout`)
  stream-N.bin   the values of columns that have no fixed size, in the same order
  index.npy      the check sum of each row, and whether the example has a label; in the same order
  layout.json    the columns
  seal.json      the digest of the other files (`limbeck.trainer.data.seal`)

Equal data become equal bytes, however they were cut into files. So the digest of the files names the data, and
checkpoints are found again by it. A split need not fit in memory (`limbeck.trainer.data.packed`), nor need its ids:
packing holds the labels and the order in memory, some 40 bytes an example, and maps the rest. The index takes 9 bytes
an example. No file holds objects of Python.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck import files
from limbeck.aliases import Features, FeatureSpec
from limbeck.errors import DataError
from limbeck.examples import EXAMPLE_ID
from limbeck.objectives.objective import Objective
from limbeck.records import to_json
from limbeck.trainer.data import checksum, seal
from limbeck.trainer.data.layout import Column, Layout, Spans, Words, follow_each_other
from limbeck.trainer.data.packed import ENTRY, INDEX, LAYOUT, RECORDS, mapped, stream_name
from limbeck.trainer.data.preprocessing import assert_declared

_UNSORTED = "unsorted-"
_READ_BATCH = 1024
_CHECK_BYTES = 1 << 20
# How much of the rows is sorted at a time.
_BLOCK_BYTES = 1 << 24
_IDS_AT_A_TIME = 1 << 16


def pack(
    files: Sequence[str],
    destination: Path,
    spec: FeatureSpec,
    label_key: str,
    objective: Objective,
    *,
    split: str = "training",
) -> int:
    """Packs the TFRecord files of one split into a folder, sorted by example id.

    The rows are written twice: first as they are read, then sorted, because the order is known only when all ids are.
    Until then the folder takes twice the space.

    Args:
      files: TFRecord files (gzip, as Transform writes them) of serialized tf.Examples with an `example_id`.
      destination: an empty folder.
      spec: feature spec of whatever will be read of the examples.
      label_key: name of the feature that is the label of this training.
      objective: how the label is encoded.
      split: name of the split in messages.

    Returns:
      The number of examples.

    Raises:
      DataError: if there are no examples, a file is truncated or corrupt, a record is not a transformed example, or a
        label is not one that the task declares.
    """
    spec = spec | {label_key: objective.label_spec()}
    labels: list[npt.NDArray[Any]] = []
    packer: _Packer | None = None
    try:
        for serialized, parsed in _read(files, spec, objective, label_key):
            labels.append(parsed[label_key].numpy())
            packer = packer or _Packer(destination, _layout(spec, parsed))
            packer.write(parsed, serialized)
    finally:
        if packer is not None:
            packer.close()
    if packer is None:
        raise DataError(f"the {split} split holds no examples: check data.path and its split folders")
    all_labels = np.concatenate(labels)
    assert_declared(objective, all_labels, f"{split} examples")
    packer.sort(objective.labelled(all_labels))
    seal.write(str(destination), INDEX)
    return len(all_labels)


def _layout(spec: FeatureSpec, parsed: Features) -> Layout:
    """Returns the columns of the features in a spec. How many values one of any number has, the data say."""
    import tensorflow as tf

    columns, serialized = [], False
    for name, kind in sorted(spec.items()):
        if name not in parsed or kind.dtype == tf.string:
            serialized = True
            continue
        size = None
        if isinstance(kind, (tf.io.FixedLenFeature, tf.io.FixedLenSequenceFeature)):
            counts = parsed[name].row_lengths() if isinstance(parsed[name], tf.RaggedTensor) else None
            size = int(np.prod(parsed[name].shape[1:])) if counts is None else int(counts[0])
        columns.append(Column(name, kind.dtype.name, size))
    return Layout(tuple(columns), serialized)


def _parsed_as(spec: FeatureSpec) -> FeatureSpec:
    """Returns how features are parsed to be packed: values and their number; without those that columns cannot hold."""
    import tensorflow as tf

    wanted = {EXAMPLE_ID: tf.io.FixedLenFeature([], tf.string)}
    for name, kind in spec.items():
        if kind.dtype == tf.string:
            continue
        if isinstance(kind, tf.io.FixedLenFeature):
            wanted[name] = kind
        elif isinstance(kind, (tf.io.VarLenFeature, tf.io.FixedLenSequenceFeature)) or _plain_ragged(kind):
            key = getattr(kind, "value_key", None) or name
            wanted[name] = tf.io.RaggedFeature(kind.dtype, key, row_splits_dtype=tf.int64)
    return wanted


def _plain_ragged(kind: Any) -> bool:
    import tensorflow as tf

    return isinstance(kind, tf.io.RaggedFeature) and not kind.partitions


@dataclasses.dataclass
class _Packer:
    """Writes rows and streams as they come, and sorts them at the end."""

    folder: Path
    layout: Layout

    def __post_init__(self) -> None:
        names = [RECORDS, *map(stream_name, range(len(self.layout.streams)))]
        self._files = [(self.folder / f"{_UNSORTED}{name}").open("wb") for name in names]
        self._names, self._ids = names, _Ids(self.folder / f"{_UNSORTED}ids")
        self._lengths = [0] * len(self.layout.streams)

    def write(self, parsed: Features, serialized: npt.NDArray[np.object_]) -> None:
        """Writes a batch of examples.

        Raises:
          DataError: if examples have different numbers of soft targets.
        """
        rows = np.zeros([len(serialized), self.layout.words], np.uint64)
        for dtype, values in (("int64", self.layout.integers(rows)), ("float32", self.layout.floats(rows))):
            for column in self.layout.fixed(dtype):
                values[:, self.layout.place(column)] = _flat(column, parsed[column.name])
        for number, (values, counts) in enumerate(self._streams(parsed, serialized)):
            told = self.layout.stream(rows, number)
            told[:, 0] = self._lengths[number] + follow_each_other(counts)
            told[:, 1] = counts
            told[:, 2] = checksum.of_values(values, Spans(told[:, 0].view(np.int64), counts))
            self._files[1 + number].write(values.tobytes())
            self._lengths[number] += len(values)
        self._files[0].write(rows.tobytes())
        self._ids.write(parsed[EXAMPLE_ID].numpy())

    def _streams(
        self, parsed: Features, serialized: npt.NDArray[np.object_]
    ) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[np.int64]]]:
        for column in self.layout.variable:
            ragged = parsed[column.name]
            yield ragged.values.numpy(), ragged.row_lengths().numpy()
        if self.layout.serialized:
            content = np.frombuffer(b"".join(serialized), np.uint8)
            yield content, np.fromiter(map(len, serialized), np.int64, len(serialized))

    def close(self) -> None:
        """Closes the files that were written."""
        for file in self._files:
            file.close()
        self._ids.close()

    def sort(self, labelled: npt.NDArray[np.bool_]) -> None:
        """Writes the files of the folder in the order of the ids, and removes those that are not."""
        unsorted = [self.folder / f"{_UNSORTED}{name}" for name in self._names]
        ids = self._ids.array()
        rows = mapped(unsorted[0], "<u8").reshape(len(ids), self.layout.words)
        streams = [mapped(path, dtype) for path, dtype in zip(unsorted[1:], self.layout.streams, strict=True)]
        order = self._order(ids, rows)
        text = to_json(self.layout)
        (self.folder / LAYOUT).write_text(text, encoding="utf-8")
        place_keys = checksum.keys(text, self.layout.words)
        index = np.zeros(len(ids), ENTRY)
        index["labelled"] = labelled[order]
        self._files = [(self.folder / name).open("wb") for name in self._names]
        lengths, done = [0] * len(streams), 0
        each = (rows.nbytes + sum(stream.nbytes for stream in streams)) // len(ids) + 1
        for some in np.array_split(order, -(-len(order) * each // _BLOCK_BYTES)):
            block = rows[some]
            for number, stream in enumerate(streams):
                told = self.layout.stream(block, number).view(np.int64)
                self._files[1 + number].write(stream[Spans(told[:, 0], told[:, 1]).places].tobytes())
                told[:, 0] = lengths[number] + follow_each_other(told[:, 1])
                lengths[number] += int(told[:, 1].sum())
            self._files[0].write(block.tobytes())
            index["check"][done : done + len(some)] = checksum.of_rows(block, place_keys)
            done += len(some)
        self.close()
        np.save(self.folder / INDEX, index)
        for path in (*unsorted, self._ids.path):
            path.unlink()

    def _order(self, ids: npt.NDArray[np.bytes_], rows: Words) -> npt.NDArray[np.int64]:
        """Returns the order of all examples by id. Examples with equal ids are ordered by a digest of their values."""
        order = np.argsort(ids, kind="stable")
        equal = _equal_to_the_next(ids, order)
        places = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
        same = order[places]
        content = rows[same]
        for number in range(len(self.layout.streams)):
            # Where the values are says in which order they were read.
            self.layout.stream(content, number)[:, 0] = 0
        digests = np.array([hashlib.sha256(row.tobytes()).hexdigest() for row in content], "S64")
        order[places] = same[np.lexsort([digests, ids[same]])]
        return order


class _Ids:
    """Keeps ids of any length in a file, and not in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._widths: list[tuple[int, int]] = []

    def write(self, ids: npt.NDArray[np.object_]) -> None:
        """Writes the ids of a batch."""
        fixed = ids.astype("S")
        self._file.write(fixed.tobytes())
        self._widths.append((len(fixed), fixed.itemsize))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def array(self) -> npt.NDArray[np.bytes_]:
        """Returns all ids, mapped into memory: `[examples]`, each as wide as the longest."""
        width = max(width for _, width in self._widths)
        if any(one != width for _, one in self._widths):
            self._widen(width)
        return mapped(self.path, f"S{width}")

    def _widen(self, width: int) -> None:
        narrow = self.path.with_name(f"{self.path.name}-narrow")
        self.path.rename(narrow)
        with narrow.open("rb") as source, self.path.open("wb") as wide:
            for count, own in self._widths:
                wide.write(np.frombuffer(source.read(count * own), f"S{own}").astype(f"S{width}").tobytes())
        narrow.unlink()


def _equal_to_the_next(ids: npt.NDArray[np.bytes_], order: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Returns for each example but the last one, in this order, whether the next one has its id."""
    equal = np.zeros(len(order) - 1, bool)
    for start in range(0, len(equal), _IDS_AT_A_TIME):
        some = ids[order[start : start + _IDS_AT_A_TIME + 1]]
        equal[start : start + len(some) - 1] = some[1:] == some[:-1]
    return equal


def _flat(column: Column, values: Any) -> npt.NDArray[Any]:
    import tensorflow as tf

    if not isinstance(values, tf.RaggedTensor):
        return np.reshape(values.numpy(), [len(values), -1])
    counts = values.row_lengths().numpy()
    if (counts != column.size).any():
        raise DataError(
            f"every example must have equally many values of '{column.name}', but some have {column.size}, and some "
            f"{int(counts[counts != column.size][0])}: label all examples by the same teachers"
        )
    return np.reshape(values.values.numpy(), [len(counts), -1])


def _read(
    files: Sequence[str], spec: FeatureSpec, objective: Objective, label_key: str
) -> Iterator[tuple[npt.NDArray[np.object_], Features]]:
    """Yields examples, serialized and parsed, file by file, with at most `_READ_BATCH` examples at a time."""
    import tensorflow as tf

    wanted = _parsed_as(spec)
    for file in sorted(files):
        try:
            _assert_whole(file)
            for serialized in tf.data.TFRecordDataset(file, compression_type="GZIP").batch(_READ_BATCH):
                yield serialized.numpy(), tf.io.parse_example(serialized, wanted)
        except (EOFError, gzip.BadGzipFile, zlib.error, tf.errors.DataLossError) as error:
            raise DataError(f"{file} is truncated or corrupt: write it again ({error})") from None
        except tf.errors.InvalidArgumentError as error:
            raise DataError(
                f"{file} must hold tf.Examples with one text '{EXAMPLE_ID}', one {_words(objective)} '{label_key}' "
                f"and the features of the transform graph each ({error.message})"
            ) from None


def _words(objective: Objective) -> str:
    size = f"{objective.label_shape} " if objective.label_shape else ""
    return size + ("integer" if objective.label_dtype == "int64" else "number")


def _assert_whole(file: str) -> None:
    """Raises an error if a gzip is cut off. TensorFlow would take a cut between two records for the end of the file."""
    with files.open_to_read(file) as compressed, gzip.GzipFile(fileobj=compressed) as stream:
        while stream.read(_CHECK_BYTES):
            pass
