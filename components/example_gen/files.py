"""Finds the files that match a pattern, and opens them.

A glob also matches what is not data: `.DS_Store`, `_SUCCESS`, a folder. And a name does not tell whether a file is
compressed: browsers unpack `.gz` files and keep the suffix, and some gzip files have no suffix. So the content decides.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from limbeck.components.example_gen.object_stores import WILD, file_functions
from limbeck.errors import DataError
from limbeck.files import is_local, note_read
from limbeck.files.counted import CountedFile

GZIP = b"\x1f\x8b\x08"
_BUFFER_BYTES = 1 << 20


class UnreachableError(DataError):
    """The data cannot be listed or read now, so their content is unknown."""


def matching(base: str, pattern: str) -> list[str]:
    """Returns the sorted files that match a pattern below a folder.

    Files and folders whose name starts with `.` or `_` are left out, unless the pattern itself has such a name there. A
    pattern without a wildcard may name a file. It may also name a folder, which stands for the files directly in it.
    Prefer `folder/*` to `folder`: TFX's cache sees an edit of a file only if the pattern matches that file.

    Args:
      base: folder or URI.
      pattern: glob relative to `base`. If it is empty, `base` itself is a file, a folder of files, or a glob.

    Raises:
      DataError: if no file matches, if `base` contains a wildcard beside a pattern, or if a wildcard matches a folder.
      UnreachableError: if the folder cannot be listed.
    """
    if pattern and WILD.search(base):
        raise DataError(f"the folder of the data must hold none of * ? [ in its path, received {base}: rename it")
    whole = f"{base.rstrip('/')}/{pattern}" if pattern else base.rstrip("/")
    try:
        found = [path.rstrip("/") for path in file_functions().glob(whole)]
        if not WILD.search(pattern or base) and found and file_functions().isdir(whole):
            whole = f"{whole.rstrip('/')}/*"
            found = file_functions().glob(whole)
    except OSError as error:
        raise UnreachableError(f"{whole}: cannot be listed: {error}") from None
    files = sorted(path for path in found if not _is_hidden(path, whole))
    for path in files:
        if file_functions().isdir(path):
            raise DataError(
                f"{whole} matches the folder {path}, but must match files: "
                + (
                    f"give {pattern}/* or move it"
                    if pattern
                    else "move it, or give a glob that matches files alone"
                )
            )
    if not files:
        raise DataError(f"no file matches {whole}: check the folder's name; files named .* and _* do not count")
    return files


def _is_hidden(path: str, pattern: str) -> bool:
    # Compared from the end, because a file system may spell the start of a path in another way.
    pairs = zip(reversed(path.split("/")), reversed(pattern.split("/")), strict=False)
    return any(name[:1] in {".", "_"} and name[:1] != wanted[:1] for name, wanted in pairs)


def open_file(path: str) -> BinaryIO:
    """Opens a local or remote file for reading bytes. Raises DataError if it cannot be opened."""
    import tensorflow as tf

    try:
        # A remote file is opened at its first read.
        opened = io.BufferedReader(_Bytes(file_functions().open(path, "rb")), _BUFFER_BYTES)
        opened.peek(1)
    except (OSError, tf.errors.OpError) as error:
        kind = DataError if is_local(path) else UnreachableError
        raise kind(f"{path}: cannot be read: {error}") from None
    return opened


@contextlib.contextmanager
def open_content(path: str, is_plain: Callable[[bytes], bool] | None = None) -> Iterator[BinaryIO]:
    """Opens a file for reading its content. Decompresses it if it is a gzip.

    Args:
      path: path of the file.
      is_plain: gets the first 12 bytes of a file that starts like a gzip, and returns whether it is not compressed.

    Raises:
      DataError: if the file cannot be opened, or if the gzip is damaged or cut off.
    """
    with open_file(path) as plain:
        head = plain.read(12)
        plain.seek(0)
        if not head.startswith(GZIP) or (is_plain is not None and is_plain(head)):
            yield plain
            return
        with gzip.GzipFile(fileobj=plain) as unzipped:
            try:
                yield cast("BinaryIO", unzipped)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise DataError(
                    f"{path}: the gzip is damaged or cut off after byte {unzipped.tell()} of its content "
                    f"({error}): copy the file again"
                ) from None


class _Bytes(CountedFile):
    """Adds the methods that Python's readers need to a file of `fileio.open`, which has read, seek, tell and close."""

    def __init__(self, opened: Any) -> None:
        super().__init__(opened, note_read, "rb")

    def seekable(self) -> bool:
        return True
