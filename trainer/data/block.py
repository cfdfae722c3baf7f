"""Some packed examples in memory: ids, rows and the values of streams, in the same order.

Blocks are sorted, cut and joined until the order of a whole split is known. Positions of values are relative to the
streams of the block, so a block does not depend on the file that it comes from, or on the file that it is written to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.examples import EXAMPLE_ID
from limbeck.trainer.data import checksum
from limbeck.trainer.data.layout import Column, Layout, Spans, Words, follow_each_other
from limbeck.trainer.data.permutation import Positions
from limbeck.trainer.data.reading import ReadBatch, unequal_sizes

Ids = npt.NDArray[np.bytes_]


@dataclasses.dataclass(frozen=True)
class PackedBlock:
    """Some examples. The streams hold their values without gaps, beginning with the first value of the first example.

    Attributes:
      layout: the columns.
      ids: bytes `[examples]`.
      rows: uint64 `[examples, words]`.
      streams: the values of each stream, example by example.
    """

    layout: Layout
    ids: Ids
    rows: Words
    streams: tuple[npt.NDArray[Any], ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Number of bytes of all arrays."""
        return self.ids.nbytes + self.rows.nbytes + sum(stream.nbytes for stream in self.streams)

    def taken(self, order: Positions) -> PackedBlock:
        """Returns the examples at some positions, in the order of the positions."""
        rows, streams = self.rows[order], []
        for number, stream in enumerate(self.streams):
            told = self.layout.stream(rows, number).view(np.int64)
            streams.append(stream[Spans(told[:, 0], told[:, 1]).places])
            told[:, 0] = follow_each_other(told[:, 1])
        return PackedBlock(self.layout, self.ids[order], rows, tuple(streams))

    def between(self, begin: int, end: int) -> PackedBlock:
        """Returns a copy of the examples from `begin` to `end - 1`. Reads only these if the block is a mapped file."""
        rows, streams = np.array(self.rows[begin:end]), []
        for number, stream in enumerate(self.streams):
            told = self.layout.stream(rows, number).view(np.int64)
            first = int(told[0, 0]) if len(told) else 0
            streams.append(np.array(stream[first : first + int(told[:, 1].sum())]))
            told[:, 0] -= first
        return PackedBlock(self.layout, np.array(self.ids[begin:end]), rows, tuple(streams))

    def in_order(self, order: Positions, most_bytes: int) -> Iterator[PackedBlock]:
        """Yields the examples at some positions, in the order of the positions, about `most_bytes` at a time.

        While values are looked up, the position of each takes eight bytes, even if the value is one byte.
        """
        pieces = max(1, -(-self.nbytes // most_bytes))
        for some in np.array_split(order, pieces):
            yield self.taken(some)


def joined(blocks: Sequence[PackedBlock]) -> PackedBlock:
    """Returns all examples of blocks with one layout, one block after the other. There is at least one block."""
    layout = blocks[0].layout
    rows = np.concatenate([block.rows for block in blocks])
    for number in range(len(layout.streams)):
        told = layout.stream(rows, number).view(np.int64)
        told[:, 0] = follow_each_other(told[:, 1])
    streams = [np.concatenate(each) for each in zip(*(block.streams for block in blocks), strict=True)]
    return PackedBlock(layout, np.concatenate([block.ids for block in blocks]), rows, tuple(streams))


def behind_each_other(blocks: Iterable[PackedBlock]) -> Iterator[tuple[PackedBlock, Words]]:
    """Yields each block with its rows, in which the positions in streams count the values of all earlier blocks."""
    lengths: list[int] | None = None
    for block in blocks:
        lengths, rows = lengths or [0] * len(block.streams), block.rows.copy()
        for number, length in enumerate(lengths):
            block.layout.stream(rows, number).view(np.int64)[:, 0] += length
        yield block, rows
        lengths = [length + len(stream) for length, stream in zip(lengths, block.streams, strict=True)]


def block_of(layout: Layout, batch: ReadBatch) -> PackedBlock:
    """Returns a batch of parsed examples as a block.

    Raises:
      DataError: if an example has another number of values than a column of fixed size.
    """
    parsed = batch.parsed
    ids = parsed[EXAMPLE_ID].numpy().astype("S")
    rows = np.zeros([len(ids), layout.words], np.uint64)
    for dtype, values in (("int64", layout.integers(rows)), ("float32", layout.floats(rows))):
        for column in layout.fixed(dtype):
            values[:, layout.place(column)] = _flat(column, parsed[column.name])
    streams = []
    for number, (values, counts) in enumerate(_streams(layout, batch)):
        told = layout.stream(rows, number)
        told[:, 0] = follow_each_other(counts)
        told[:, 1] = counts
        told[:, 2] = checksum.of_values(values, Spans(told[:, 0].view(np.int64), counts))
        streams.append(values)
    return PackedBlock(layout, ids, rows, tuple(streams))


def _streams(layout: Layout, batch: ReadBatch) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[np.int64]]]:
    for column in layout.variable:
        ragged = batch.parsed[column.name]
        yield ragged.values.numpy(), ragged.row_lengths().numpy()
    if layout.serialized:
        serialized = batch.serialized.numpy()
        content = np.frombuffer(b"".join(serialized), np.uint8)
        yield content, np.fromiter(map(len, serialized), np.int64, len(serialized))


def _flat(column: Column, values: Any) -> npt.NDArray[Any]:
    import tensorflow as tf

    if not isinstance(values, tf.RaggedTensor):
        return np.reshape(values.numpy(), [len(values), -1])
    counts = values.row_lengths().numpy()
    if (counts != column.size).any():
        raise unequal_sizes(column, int(counts[counts != column.size][0]))
    return np.reshape(values.values.numpy(), [len(counts), -1])
