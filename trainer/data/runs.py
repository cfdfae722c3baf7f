"""Sorted runs: files of examples that are sorted by id, each small enough to be sorted in memory.

A split need not fit in memory, so it cannot be sorted at once. Some of its files are read at a time, in any process.
Whenever enough examples are in memory, they are sorted and written as a run. `limbeck.trainer.data.merging` merges the
runs. A run is a file of three parts, each of whole words of eight bytes:

  rows       as in the packed split, but positions of values count from the start of the run
  streams    the values of each stream
  ids        each padded to the length of the longest id of the run
"""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import Positive
from limbeck.trainer.data.block import PackedBlock, behind_each_other, block_of, joined
from limbeck.trainer.data.layout import Layout
from limbeck.trainer.data.packed import mapped
from limbeck.trainer.data.reading import Reading

_WORD = 8


@dataclass(frozen=True, config=STRICT)
class Limits:
    """How much is in memory, and how many files are open, at the same time. Limits do not change the packed files.

    Attributes:
      read_examples: examples that are parsed at a time.
      run_bytes: examples that are sorted at a time, in bytes. Joining them takes twice as much.
      block_bytes: examples that are merged or written at a time, in bytes. The position of each value takes eight more.
      open_runs: runs that are merged at a time, at least 2. If there are more, some are merged first.

    Raises:
      ConfigError: if `open_runs` is 1.
    """

    read_examples: Positive = 1024
    run_bytes: Positive = 1 << 25
    block_bytes: Positive = 1 << 23
    open_runs: Positive = 256

    def __post_init__(self) -> None:
        if self.open_runs == 1:
            raise ConfigError("open_runs needs at least 2, or merging would not make runs fewer; received 1")


@dataclass(frozen=True, config=STRICT)
class Run:
    """A file of sorted examples.

    Attributes:
      path: path or URI of the file.
      layout: the columns.
      examples: number of examples.
      id_bytes: number of bytes of an id.
      values: number of values of each stream.
    """

    path: str
    layout: Layout
    examples: Positive
    id_bytes: Positive
    values: tuple[int, ...]

    @property
    def sizes(self) -> list[int]:
        """Number of bytes of each part: rows, streams, ids."""
        streams = zip(self.values, self.layout.streams, strict=True)
        return [
            _WORD * self.layout.words * self.examples,
            *(count * np.dtype(dtype).itemsize for count, dtype in streams),
            self.id_bytes * self.examples,
        ]

    @property
    def begins(self) -> list[int]:
        """The byte offsets at which each part begins, and at which the last one ends."""
        return list(itertools.accumulate((-(-size // _WORD) * _WORD for size in self.sizes), initial=0))


def write_runs(paths: Sequence[str], reading: Reading, folder: str, limits: Limits) -> tuple[Run, ...]:
    """Reads some files of a split, and writes their examples as sorted runs. Holds one run in memory.

    Args:
      paths: TFRecord files (gzip) of transformed examples, each a path or URI.
      reading: how they are read.
      folder: folder or URI for the runs. Each gets a unique name. After an error, some may be left there.
      limits: how large a run is.

    Returns:
      The runs; none if there are no examples.

    Raises:
      DataError: if a file is truncated or corrupt, a record is not a transformed example, or examples have different
        numbers of values where they must have equally many.
      OSError: if a file cannot be read or written.
    """
    with files.written_locally(folder) as local:
        Path(local).mkdir(parents=True, exist_ok=True)
        names = [_written(block, local, limits) for block in _gathered(paths, reading, limits)]
    return tuple(dataclasses.replace(run, path=files.join(folder, run.path)) for run in names)


def opened(run: Run) -> PackedBlock:
    """Returns the examples of a run at a local path, mapped into memory."""
    content, begins = np.asarray(mapped(Path(run.path), np.uint8)), run.begins
    rows, *streams, ids = (
        content[begin : begin + size] for begin, size in zip(begins[:-1], run.sizes, strict=True)
    )
    return PackedBlock(
        run.layout,
        ids.view(f"S{run.id_bytes}"),
        rows.view("<u8").reshape(run.examples, run.layout.words),
        tuple(stream.view(dtype) for stream, dtype in zip(streams, run.layout.streams, strict=True)),
    )


def write(run: Run, blocks: Iterable[PackedBlock]) -> None:
    """Writes a run to its local path. The blocks together hold the examples that the run describes."""
    places = run.begins
    with Path(run.path).open("wb") as file:
        for block, moved in behind_each_other(blocks):
            parts: list[npt.NDArray[Any]] = [
                moved, *block.streams, block.ids.astype(f"S{run.id_bytes}")
            ]  # fmt: skip
            for number, part in enumerate(parts):
                file.seek(places[number])
                file.write(part.tobytes())
                places[number] += part.nbytes
        file.truncate(run.begins[-1])


def longer(runs: Sequence[Run], folder: Path) -> Run:
    """Returns the description of a run with all examples of some runs, under a new name in a folder."""
    values = tuple(map(sum, zip(*(run.values for run in runs), strict=True)))
    return Run(
        path=str(folder / _new_name()),
        layout=runs[0].layout,
        examples=sum(run.examples for run in runs),
        id_bytes=max(run.id_bytes for run in runs),
        values=values,
    )


def fetched(run: Run, folder: Path) -> Run:
    """Returns a run at a local path: itself, or a copy in a folder."""
    if files.is_local(run.path):
        return dataclasses.replace(run, path=files.local_copy(run.path))
    path = str(folder / _new_name())
    files.copy(run.path, path)
    return dataclasses.replace(run, path=path)


def _gathered(paths: Sequence[str], reading: Reading, limits: Limits) -> Iterator[PackedBlock]:
    """Yields the examples of the files. Each block is large enough for a run."""
    blocks: list[PackedBlock] = []
    layout, size = None, 0
    for path in paths:
        for batch in reading.batches(path, limits.read_examples):
            layout = layout or reading.layout(batch.parsed)
            blocks.append(block_of(layout, batch))
            size += blocks[-1].nbytes
            if size >= limits.run_bytes:
                together, blocks, size = joined(blocks), [], 0
                yield together
    if blocks:
        yield joined(blocks)


def _written(block: PackedBlock, folder: str, limits: Limits) -> Run:
    """Writes the examples of a block as a run. Returns the run, whose path is only its name."""
    values = tuple(len(stream) for stream in block.streams)
    name = _new_name()
    run = Run(str(Path(folder, name)), block.layout, len(block), block.ids.itemsize, values)
    write(run, block.in_order(np.argsort(block.ids, kind="stable"), limits.block_bytes))
    return dataclasses.replace(run, path=name)


def _new_name() -> str:
    return f"{uuid.uuid4().hex}.run"
