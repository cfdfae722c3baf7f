"""Estimates how many rows the files of each split have, for a check that reads only some of them.

Reading all rows takes as long as ExampleGen does. So the rows in the first part of a file are counted, and the rest of
the file is taken to be like it. A file that is not longer than that part is counted exactly.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
from collections.abc import Callable
from typing import BinaryIO

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.components.example_gen.files import open_content, open_file
from limbeck.records import STRICT, from_json, to_json

FILE = "row-counts.json"
PART_BYTES = 1 << 24


@dataclass(frozen=True, config=STRICT)
class RowCounts:
    """About how many rows there are.

    Attributes:
      splits: rows by the name of the input's split. There is one name if the rows are divided by `data.split`.
      unlabelled: rows of `data.unlabelled`.
    """

    splits: dict[str, int] = dataclasses.field(default_factory=dict)
    unlabelled: int = 0


def write(counts: RowCounts, folder: str) -> None:
    """Writes the counts into the folder of the examples."""
    files.write_text(files.join(folder, FILE), to_json(counts))


def read(folder: str) -> RowCounts:
    """Reads the counts beside examples."""
    return from_json(RowCounts, files.read_text(files.join(folder, FILE)))


def extrapolated(
    path: str, count: Callable[[BinaryIO], int], is_plain: Callable[[bytes], bool] | None = None
) -> int:
    """Returns about how many rows a file has: those in its first part, times how many such parts it has.

    Args:
      path: path of the file.
      count: reads about `PART_BYTES` of the content, and returns the rows in them.
      is_plain: as in `limbeck.components.example_gen.files.open_content`.

    Raises:
      DataError: if the file cannot be read.
    """
    with open_content(path, is_plain) as content:
        rows = count(content)
        if not content.read(1):
            return rows
        stored = content.fileobj if isinstance(content, gzip.GzipFile) else content
        read = stored.tell()
    with open_file(path) as plain:
        return round(rows * plain.seek(0, io.SEEK_END) / read)
