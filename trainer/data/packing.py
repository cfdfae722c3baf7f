"""Packs a split of transformed examples into a folder, in which each example is found by its number.

Transform writes compressed shards. They can only be read from front to back, in an order that depends on who wrote
them. So each split is packed once:

  records.bin   the serialized examples, one after the other, sorted by example id
  index.npy     the offset, the length and the check sum (CRC-32C) of each example in `records.bin`, and whether it has
                a label; in the same order
  seal.json     the digest of both files (`limbeck.trainer.data.seal`)

Equal data become equal bytes, however they were cut into files. So the digest of both files names the data, and
checkpoints are found again by it. A split need not fit in memory: training reads the examples from disk, at random
places. Packing holds all ids, labels and lengths in memory. The index takes 17 bytes an example.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import mmap
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck import files
from limbeck.errors import DamagedDataError, DataError, PassingFaultError
from limbeck.examples import EXAMPLE_ID
from limbeck.objectives.objective import Objective
from limbeck.trainer.data import seal
from limbeck.trainer.data.order import Positions
from limbeck.trainer.data.preprocessing import assert_declared

_RECORDS, _INDEX = "records.bin", "index.npy"
_UNSORTED = "unsorted.bin"
_ENTRY = np.dtype([("offset", "<i8"), ("length", "<i4"), ("check", "<u4"), ("labelled", "?")])
_READ_BATCH = 1024
_CHECK_BYTES = 1 << 20


def pack(
    files: Sequence[str], destination: Path, label_key: str, objective: Objective, split: str = "training"
) -> int:
    """Packs the TFRecord files of one split into a folder, sorted by example id.

    The records are written twice: first as they are read, then sorted, because the order is known only when all ids
    are. Until then the folder takes twice the space.

    Args:
      files: TFRecord files (gzip, as Transform writes them) of serialized tf.Examples with an `example_id`.
      destination: an empty folder.
      label_key: name of the feature that is the label of this training.
      objective: how the label is encoded.
      split: name of the split in messages.

    Returns:
      The number of examples.

    Raises:
      DataError: if there are no examples, a file is truncated or corrupt, a record is not a transformed example, or a
        label is not one that the task declares.
    """
    import google_crc32c

    ids: list[npt.NDArray[np.object_]] = []
    lengths: list[int] = []
    checks: list[int] = []
    labels: list[npt.NDArray[Any]] = []
    unsorted = destination / _UNSORTED
    with unsorted.open("wb") as records:
        for batch_ids, batch_labels, serialized in _read(files, label_key, objective):
            ids.append(batch_ids)
            labels.append(batch_labels)
            lengths.extend(map(len, serialized))
            checks.extend(map(google_crc32c.value, serialized))
            records.writelines(serialized)
    if not lengths:
        raise DataError(f"the {split} split holds no examples: check data.path and its split folders")
    all_labels = np.concatenate(labels)
    assert_declared(objective, all_labels, f"{split} examples")
    index = np.zeros(len(lengths), _ENTRY)
    index["length"], index["check"] = lengths, checks
    index["offset"] = _offsets(index["length"])
    index["labelled"] = objective.labelled(all_labels)
    with unsorted.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        index = index[_order(np.concatenate(ids).astype("S"), index, content)]
        with (destination / _RECORDS).open("wb") as records:
            records.writelines(_records(content, index))
    unsorted.unlink()
    index["offset"] = _offsets(index["length"])
    np.save(destination / _INDEX, index)
    seal.write(str(destination), _INDEX)
    return len(lengths)


def packed_digest(folder: str) -> str:
    """Returns the digest of a packed split, 64 hexadecimal digits. Errors are those of `seal.sealed_digest`."""
    return seal.sealed_digest(folder, _INDEX)


@dataclasses.dataclass(frozen=True)
class PackedExamples:
    """Random access to the packed examples at a path or URI. If they are not local, each process copies them once."""

    folder: files.Location

    def __post_init__(self) -> None:
        folder = Path(files.local_copy(self.folder))
        index = np.load(folder / _INDEX, mmap_mode="r", allow_pickle=False)
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "_records", np.memmap(folder / _RECORDS, np.uint8, "r"))

    _index: Any = dataclasses.field(init=False, repr=False)
    _records: Any = dataclasses.field(init=False, repr=False)

    def __len__(self) -> int:
        return len(self._index)

    def labelled(self, rows: Positions) -> npt.NDArray[np.bool_]:
        """Returns whether each of `rows` has a label: bool `[rows]`."""
        return np.asarray(self._index["labelled"][rows])

    def read(self, rows: Positions) -> npt.NDArray[np.object_]:
        """Reads the serialized examples of `rows`: an object array `[rows]` of bytes.

        Raises:
          DamagedDataError: if an example is not the one that was packed.
          PassingFaultError: likewise, if the folder is not local. Another process copies it again.
        """
        import google_crc32c

        entries = self._index[rows]
        spans = zip(entries["offset"].tolist(), entries["length"].tolist(), strict=True)
        serialized = np.empty(len(entries), object)
        serialized[:] = [self._records[begin : begin + length].tobytes() for begin, length in spans]
        changed = [
            row
            for row, check in enumerate(entries["check"].tolist())
            if google_crc32c.value(serialized[row]) != check
        ]
        if changed:
            text = (
                f"{len(changed)} of the packed examples in {self.folder} are not those that were packed: the file "
                f"{_RECORDS} was changed or damaged"
            )
            if not files.is_local(self.folder):
                raise PassingFaultError(f"{text} on its way here")
            raise DamagedDataError(f"{text}. Pack it again, and check the disk and the memory of this machine")
        return serialized


def _offsets(lengths: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Returns the offset of each record of these lengths, if the records follow each other without gaps."""
    return np.cumsum(lengths, dtype=np.int64) - lengths


def _order(ids: npt.NDArray[np.bytes_], index: npt.NDArray[Any], content: mmap.mmap) -> npt.NDArray[np.int64]:
    """Returns the order of all examples by id. Examples with equal ids are ordered by a digest of their bytes."""
    order = np.argsort(ids, kind="stable")
    equal = ids[order[1:]] == ids[order[:-1]]
    places = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    rows = order[places]
    digests = np.array([hashlib.sha256(record).hexdigest() for record in _records(content, index[rows])], "S64")
    order[places] = rows[np.lexsort([digests, ids[rows]])]
    return order


def _records(content: mmap.mmap, entries: npt.NDArray[Any]) -> Iterator[bytes]:
    for begin, length in zip(entries["offset"].tolist(), entries["length"].tolist(), strict=True):
        yield content[begin : begin + length]


def _read(
    files: Sequence[str], label_key: str, objective: Objective
) -> Iterator[tuple[npt.NDArray[np.object_], npt.NDArray[Any], list[bytes]]]:
    """Yields ids, labels and serialized examples, file by file, with at most `_READ_BATCH` examples at a time."""
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
    """Raises an error if a gzip is cut off. TensorFlow would take a cut between two records for the end of the file."""
    with files.open_to_read(file) as compressed, gzip.GzipFile(fileobj=compressed) as stream:
        while stream.read(_CHECK_BYTES):
            pass
