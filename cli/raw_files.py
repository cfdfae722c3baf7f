"""Checks the user's files before a run: which files exist, and which format they seem to have.

ExampleGen finds the same mistakes, but a minute later. Only local files are checked, because files in an object store
would need its client, and time.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import glob
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from limbeck.cli.utf8 import assert_utf8
from limbeck.components.artifacts.record_stream import is_head
from limbeck.components.example_gen.files import GZIP
from limbeck.errors import ConfigError
from limbeck.examples import SPLITS

_SUFFIXES = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".tfrecord": "tfrecord",
    ".tfrecords": "tfrecord",
    ".tfrec": "tfrecord",
}
_HEAD_BYTES = 512
_PARQUET = b"PAR1"
_MOST_NAMES = 8
WILD = re.compile(r"[*?\[\]]")
# TFX's placeholders. Other braces are part of a name.
_PLACEHOLDER = re.compile(r"\{(SPAN|VERSION)(:\d+)?\}|\{(YYYY|MM|DD)\}")


@dataclasses.dataclass(frozen=True)
class Found:
    """The files and folders at a place.

    Attributes:
      files: paths of files, sorted; for a folder, the files directly in it.
      folders: names of the folders directly in it, sorted, if it is a folder.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...] = ()

    def told(self) -> str:
        """Returns in words what was found."""
        names = [f"{name}/" for name in self.folders] + [Path(file).name for file in self.files]
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        return f"seen there: {', '.join(names[:_MOST_NAMES])}{more}" if names else "nothing is there"


def pattern_of(place: str) -> str:
    """Returns the glob for a place with placeholders. Their numbers are determined later, when data are read."""
    return _PLACEHOLDER.sub("[0-9]*", place)


def look(place: str) -> Found:
    """Looks for a file, a folder or the matches of a glob. Placeholders such as `{SPAN}` stand for any number."""
    pattern = pattern_of(place.rstrip("/"))
    if Path(pattern).is_dir():
        return _inside(Path(pattern))
    matches = sorted(Path(path) for path in glob.glob(pattern))  # noqa: PTH207
    if _PLACEHOLDER.search(place) and matches and all(path.is_dir() for path in matches):
        return _inside(matches[-1])
    return Found(tuple(str(path) for path in matches if path.is_file() and not _is_hidden(path)))


def _inside(folder: Path) -> Found:
    inside = sorted(path for path in folder.iterdir() if not _is_hidden(path))
    return Found(
        tuple(str(path) for path in inside if path.is_file()),
        tuple(path.name for path in inside if path.is_dir()),
    )


def assert_format(files: Iterable[str], expected: str) -> None:
    """Raises ConfigError if a file is in another format than `data.format`. Its content counts more than its name."""
    for file, seen in of_another_format(files, expected):
        raise ConfigError(
            f"data.format is {expected}, but {file} looks like {seen}: set data.format={seen}, or give files of "
            "one format (a glob such as folder/*.csv chooses among them)"
        )


def of_another_format(files: Iterable[str], expected: str) -> Iterator[tuple[str, str]]:
    """Yields each file that looks like another format than the expected one, with that format.

    Raises:
      ConfigError: if the name of a file is no text in UTF-8. TensorFlow cannot even list its folder.
    """
    for file in files:
        assert_utf8(file, "names of files", "rename it")
        seen = _format_of(file, expected)
        if seen is not None and seen != expected:
            yield file, seen


def _format_of(file: str, expected: str) -> str | None:
    """Returns the format of a file; None if it may be the expected one, or if it cannot be read."""
    try:
        head = _head(file)
    except (OSError, EOFError, zlib.error):
        return None
    if head.startswith(_PARQUET):
        return "parquet"
    if is_head(head[:12]):
        return "tfrecord"
    # An empty file has no format, and any text may be CSV, regardless of its name.
    if not head or expected == "csv":
        return None
    name = file.removesuffix(".gz").lower()
    by_name = next((kind for suffix, kind in _SUFFIXES.items() if name.endswith(suffix)), "")
    return (by_name if by_name != expected else "") or ("csv" if _is_text(head) else None)


def header(file: str, format: str, encoding: str) -> tuple[str, ...] | None:
    """Returns the names of a local file's columns; None if only the file's reader can find them.

    The reader imports TensorFlow. Here, only Python's csv module reads the first line of a CSV file.
    """
    try:
        if format == "parquet":
            from pyarrow import parquet

            return tuple(parquet.read_schema(file).names)
        names = _first_line(file, encoding) if format == "csv" else ()
    except (OSError, EOFError, zlib.error, LookupError, ValueError, csv.Error):
        return None
    return names if all(names) and len(set(names)) == len(names) > 0 else None


def _first_line(file: str, encoding: str) -> tuple[str, ...]:
    codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    with Path(file).open("rb") as plain:
        is_zipped = plain.read(len(GZIP)) == GZIP
        plain.seek(0)
        with io.TextIOWrapper(gzip.GzipFile(fileobj=plain) if is_zipped else plain, codec, newline="") as text:
            return tuple(next(csv.reader(text, strict=True), ()))


def _head(file: str) -> bytes:
    with Path(file).open("rb") as plain:
        head = plain.read(_HEAD_BYTES)
    if head.startswith(GZIP) and not is_head(head[:12]):
        with gzip.open(file) as unzipped:
            return unzipped.read(_HEAD_BYTES)
    return head


def _is_text(head: bytes) -> bool:
    return b"," in head and all(byte >= 32 or byte in b"\t\r\n" for byte in head)  # noqa: PLR2004, blank


def _is_hidden(path: Path) -> bool:
    return path.name[:1] in {".", "_"}


def splits_in(found: Found) -> list[str]:
    """Returns the folders with names of splits."""
    return [split for split in SPLITS if split in found.folders]
