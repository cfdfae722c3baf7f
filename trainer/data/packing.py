"""A split of transformed examples in a folder, sorted by example id, in which each example is found by its number.

Transform writes compressed shards, which can only be read from front to back, in an order that depends on who wrote
them. A split is packed once instead:

  records.bin   the serialized examples, one after the other, sorted by example id
  index.npy     of each example: offset, length and check sum (CRC-32C) in `records.bin`, and whether it has a label; in
                the same order
  seal.json     the digest of both (`trainer.data.seal`)

So equal data are equal bytes, however they were cut into files: checkpoints are found again by a digest of both files.
The examples stay on disk and are read at random places, so a split need not fit in memory: while it is packed, ids,
labels and lengths are, and the index takes 17 bytes an example.
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
from trainer.data import seal
from trainer.data.order import Positions
from trainer.data.preprocessing import assert_declared

_RECORDS, _INDEX = "records.bin", "index.npy"
_UNSORTED = "unsorted.bin"
_ENTRY = np.dtype([("offset", "<i8"), ("length", "<i4"), ("check", "<u4"), ("labelled", "?")])
_READ_BATCH = 1024
_CHECK_BYTES = 1 << 20


def pack(
    files: Sequence[str], destination: Path, label_key: str, objective: Objective, split: str = "training"
) -> int:
    """Packs the TFRecord files of one split, sorted by example id, into a folder.

    The records are written twice: as they come, and then in their order, which is known once all ids are. Until that is
    done the folder takes twice the space.

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


def digest(folder: str) -> str:
    """Stands for the contents of a packed split; see `trainer.data.seal` for what is read, and raised."""
    return seal.digest(folder, _INDEX)


@dataclasses.dataclass(frozen=True)
class PackedExamples:
    """Random access to what `pack` wrote to a folder or URI; what is not local is copied, once a process."""

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
        """Whether each of `rows` has a label: bool of the same length."""
        return np.asarray(self._index["labelled"][rows])

    def read(self, rows: Positions) -> npt.NDArray[np.object_]:
        """Serialized examples of `rows`, as an object array of bytes of the same length.

        Raises:
          DamagedDataError: where one is not what was packed.
          PassingFaultError: likewise, where the folder is not local: another process copies it again.
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
    """Where each of so many bytes begins, when they stand one after the other."""
    return np.cumsum(lengths, dtype=np.int64) - lengths


def _order(ids: npt.NDArray[np.bytes_], index: npt.NDArray[Any], content: mmap.mmap) -> npt.NDArray[np.int64]:
    """Positions of all examples by id, and of equal ids by a digest of their bytes, so not by any order of files."""
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
    """Yields ids, labels and serialized examples, up to `_READ_BATCH` at a time, file by file."""
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
    with files.open_to_read(file) as compressed, gzip.GzipFile(fileobj=compressed) as stream:
        while stream.read(_CHECK_BYTES):
            pass
