"""The nearest neighbour of a row in a table: another row of the packed split that differs least.

A library's search tree would be enough, but all processes of a training, and each restart, must find the same
neighbour. If two rows are almost equally near, the rounding of a matrix product decides, and it depends on the machine.
Here distances are sums of squares in float64, column by column, in a fixed order.

A neighbour is computed when it is first needed, so that a training begins at once. No file keeps neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.data.permutation import Positions

# The number of rows that may be neighbours. Rows are sorted by ids, which are hashes, so every n-th row is a random
# sample.
CANDIDATES = 10_000
_BLOCK_VALUES = 1 << 22
_UNKNOWN = -1


class Neighbours:
    """The neighbours of the rows of a packed split.

    The distance is Euclidean. Numbers are scaled so that they reach from 0 to 1 among the candidates, and two different
    integers, which stand for names, are 1 apart. Of equally near rows, the first is taken. In a larger split, only
    `CANDIDATES` of its rows can be neighbours.
    """

    def __init__(self, packed: PackedExamples, columns: Sequence[str]) -> None:
        """Reads the candidates.

        Args:
          packed: the split, of at least two rows.
          columns: names of the columns of fixed size that the distance uses.
        """
        self._packed, self._columns = packed, tuple(columns)
        step = -(-len(packed) // CANDIDATES)
        self._rows = np.arange(0, len(packed), step)
        self._numbers, self._names = self._read(self._rows)
        self._least = self._numbers.min(axis=0)
        width = self._numbers.max(axis=0) - self._least
        self._width = np.where(width > 0, width, 1.0)
        self._numbers = (self._numbers - self._least) / self._width
        self._found = np.full(len(packed), _UNKNOWN, np.int64)

    def of(self, rows: Positions) -> Positions:
        """Returns the row of the neighbour of each of `rows`: int64 `[rows]`."""
        missing = np.unique(rows[self._found[rows] == _UNKNOWN])
        size = max(1, _BLOCK_VALUES // len(self._rows))
        for begin in range(0, len(missing), size):
            some = missing[begin : begin + size]
            self._found[some] = self._nearest(some)
        return self._found[rows]

    def partners(self, order: Order) -> Callable[[Positions], Positions]:
        """Returns a function that takes positions in an order, int64 `[examples]`, and returns rows of neighbours."""
        return lambda positions: self.of(order.rows(positions))

    def _nearest(self, rows: Positions) -> Positions:
        numbers, names = self._read(rows)
        numbers = (numbers - self._least) / self._width
        distances = np.zeros([len(rows), len(self._rows)])
        for own, others in zip(numbers.T, self._numbers.T, strict=True):
            distances += np.square(own[:, np.newaxis] - others)
        for own, others in zip(names.T, self._names.T, strict=True):
            distances += own[:, np.newaxis] != others
        distances[rows[:, np.newaxis] == self._rows] = np.inf
        return self._rows[np.argmin(distances, axis=1)]

    def _read(self, rows: Positions) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Returns the numbers `[rows, numbers]`, and the integers that stand for names `[rows, names]`."""
        read = [self._packed.column(name, rows) for name in self._columns]
        numbers = [one.astype(np.float64) for one in read if one.dtype != np.int64]
        names = [one for one in read if one.dtype == np.int64]
        return (
            np.concatenate([np.empty([len(rows), 0]), *numbers], axis=1),
            np.concatenate([np.empty([len(rows), 0], np.int64), *names], axis=1),
        )
