"""Random access to a packed split: the rows of a batch are gathered from a memory-mapped file.

A split need not fit in memory. The kernel reads the pages that are used, and evicts them when it needs the memory.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from limbeck import files
from limbeck.errors import ConfigError, DamagedDataError, PassingFaultError
from limbeck.records import from_json
from limbeck.trainer.data import checksum, seal
from limbeck.trainer.data.layout import Layout, Spans, Words
from limbeck.trainer.data.permutation import Positions
from limbeck.trainer.process.traffic import ROWS

RECORDS, INDEX, LAYOUT = "records.bin", "index.npy", "layout.json"
ENTRY = np.dtype([("check", "<u8"), ("labelled", "?")])


def stream_name(number: int) -> str:
    """Returns the name of the file of a stream."""
    return f"stream-{number}.bin"


def packed_digest(folder: str) -> str:
    """Returns the digest of a packed split, 64 hexadecimal digits. Errors are those of `seal.sealed_digest`."""
    return seal.sealed_digest(folder, INDEX)


class Records(NamedTuple):
    """Some examples, as they are packed.

    Attributes:
      rows: uint64 `[examples, words]`.
      values: the values of each stream, example by example.
      counts: for each stream, how many values each example has: int64 `[examples]`.
    """

    rows: Words
    values: tuple[npt.NDArray[Any], ...]
    counts: tuple[npt.NDArray[np.int64], ...]

    def serialized(self) -> npt.NDArray[np.object_]:
        """Returns the serialized examples, which are the last stream: an object array `[examples]` of bytes."""
        content, ends = self.values[-1].tobytes(), np.cumsum(self.counts[-1])
        examples = np.empty(len(ends), object)
        spans = zip((ends - self.counts[-1]).tolist(), ends.tolist(), strict=True)
        examples[:] = [content[begin:end] for begin, end in spans]
        return examples


@dataclasses.dataclass(frozen=True)
class PackedExamples:
    """The packed examples at a path or URI. If they are not local, each process copies them once.

    Attributes:
      folder: folder that `limbeck.trainer.data.packing.pack` wrote.
      layout: its columns.
    """

    folder: files.Location
    layout: Layout = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        folder = Path(files.local_copy(self.folder))
        index = np.load(folder / INDEX, mmap_mode="r", allow_pickle=False)
        text = (folder / LAYOUT).read_text(encoding="utf-8")
        try:
            layout = from_json(Layout, text)
            shape = (len(index), layout.words)
            rows = mapped(folder / RECORDS, "<u8").reshape(shape)
        except (ConfigError, ValueError) as error:
            raise DamagedDataError(
                f"the columns of the packed examples in {self.folder} are not those that were packed: pack them again "
                f"({error})"
            ) from None
        streams = tuple(mapped(folder / stream_name(number), one) for number, one in enumerate(layout.streams))
        made = {"layout": layout, "_index": index, "_rows": rows, "_streams": streams}
        for name, value in (made | {"_keys": checksum.keys(text, layout.words)}).items():
            object.__setattr__(self, name, value)

    _index: Any = dataclasses.field(init=False, repr=False)
    _rows: Any = dataclasses.field(init=False, repr=False)
    _streams: tuple[Any, ...] = dataclasses.field(init=False, repr=False)
    _keys: Any = dataclasses.field(init=False, repr=False)

    def __len__(self) -> int:
        return len(self._index)

    def labelled(self, rows: Positions) -> npt.NDArray[np.bool_]:
        """Returns whether each of `rows` has a label: bool `[rows]`."""
        return np.asarray(self._index["labelled"][rows])

    def read(self, rows: Positions, *, streams: bool = True) -> Records:
        """Reads the examples of `rows`, with or without the values of the streams.

        Raises:
          DamagedDataError: if an example is not the one that was packed.
          PassingFaultError: likewise, if the folder is not local. Another process copies it again.
        """
        found = np.take(self._rows, rows, axis=0)
        # Rows are checked first, because a damaged row would point to wrong values, or beyond the file.
        self._assert_whole(rows[checksum.of_rows(found, self._keys) != self._index["check"][rows]], RECORDS)
        values, counts = [], []
        for number, stream in enumerate(self._streams if streams else ()):
            told = self.layout.stream(found, number).view(np.int64)
            spans = Spans(told[:, 0], told[:, 1])
            values.append(stream[spans.places])
            counts.append(spans.counts)
            check = checksum.of_values(values[-1], spans)
            self._assert_whole(rows[check != told[:, 2].view(np.uint64)], stream_name(number))
        ROWS.add(found.nbytes + sum(one.nbytes for one in values))
        return Records(found, tuple(values), tuple(counts))

    def column(self, name: str, rows: Positions) -> npt.NDArray[Any]:
        """Reads a column of fixed size, `[rows, size]`. Errors are those of `read`.

        Raises:
          KeyError: if there is no such column.
        """
        return self.layout.values(self.read(rows, streams=False).rows, name)

    def _assert_whole(self, changed: Positions, file: str) -> None:
        if not len(changed):
            return
        # Several batches may contain the same example.
        text = (
            f"{len(np.unique(changed))} of the packed examples in {self.folder} are not those that were packed: "
            f"the file {file} was changed or damaged"
        )
        if not files.is_local(self.folder):
            raise PassingFaultError(f"{text} on its way here")
        raise DamagedDataError(f"{text}. Pack it again, and check the disk and the memory of this machine")


def shared(folder: files.Location) -> PackedExamples:
    """Returns the packed examples at a path or URI. All callers with the same files get the same object.

    TensorFlow never frees a function that a dataset calls, nor the data that the function reads. If each dataset had
    its own object, its files would stay open until the process ends, and a process that trains many models would exceed
    the limit of open files.
    """
    local = Path(files.local_copy(folder))
    # The key has the state of each file, because the path may hold other files later.
    states = [path.stat() for path in sorted(local.iterdir())]
    return _opened(os.fspath(folder), tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in states))


@functools.lru_cache(maxsize=16)
def _opened(folder: str, _: tuple[tuple[int, int, int], ...]) -> PackedExamples:
    return PackedExamples(folder)


def mapped(path: Path, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Returns the values in a file, mapped into memory. An empty file cannot be mapped, and has no values."""
    return np.memmap(path, dtype, "r") if path.stat().st_size else np.empty(0, dtype)
