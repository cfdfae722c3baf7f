"""Numbers rows of equal content within a split, although no process sees more than one file of it.

Beam groups rows of equal content, which moves every row between workers. But hardly any content occurs twice, and rows
of equal content are interchangeable. So each file only reports which contents it has, and how often. Only contents that
occur in several files matter to other files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class Occurrences:
    """The contents of one file.

    Attributes:
      ids: bytes `[contents]`, each content's id once, sorted.
      counts: int64 `[contents]`, how often each occurs.
    """

    ids: npt.NDArray[np.bytes_]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, ids: Iterable[bytes]) -> Occurrences:
        """Returns those of the ids of a file's examples."""
        found, counts = np.unique(np.array(list(ids), dtype=np.bytes_), return_counts=True)
        return cls(found, counts)


def first_numbers(files: Sequence[Occurrences]) -> list[dict[bytes, int]]:
    """Returns the number of the first occurrence of each content in each file, by the content's id.

    The number counts the occurrences in all earlier files. A content whose first number is 0 is left out.
    """
    if not files:
        return []
    ids = np.concatenate([one.ids for one in files])
    counts = np.concatenate([one.counts for one in files])
    file = np.repeat(np.arange(len(files)), [len(one.ids) for one in files])
    # A stable sort keeps the files of one content in their order.
    order = np.argsort(ids, kind="stable")
    ids, counts, file = ids[order], counts[order], file[order]
    begins = np.ones(len(ids), dtype=bool)
    begins[1:] = ids[1:] != ids[:-1]
    before = np.cumsum(counts) - counts
    # `before` never decreases. So the running maximum of its values at the starts of contents belongs to the current
    # one.
    first = before - np.maximum.accumulate(np.where(begins, before, 0))
    found: list[dict[bytes, int]] = [{} for _ in files]
    for index in np.flatnonzero(first):
        found[file[index]][bytes(ids[index])] = int(first[index])
    return found
