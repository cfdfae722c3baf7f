"""Which files a pattern means, and their bytes.

A glob also finds what is no data: `.DS_Store`, `_SUCCESS`, a folder. And whether a file is compressed is told by
its content, because a `.gz` that a browser unpacked, or a gzip without the suffix, is common enough.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from limbeck.errors import DataError

GZIP = b"\x1f\x8b\x08"
_BUFFER_BYTES = 1 << 20
_WILD = re.compile(r"[*?\[]")


def matching(base: str, pattern: str) -> list[str]:
    """The files that a pattern below a folder means, sorted.

    Files and folders whose name starts with `.` or `_` are left out, unless the pattern itself names them so. A
    pattern without wildcard may name a file, or a folder: it stands for the files directly in it. Prefer
    `folder/*` to `folder`: TFX's cache sees a file that was edited only where the pattern matches that file.

    Args:
      base: folder or URI.
      pattern: glob relative to `base`.

    Raises:
      DataError: where no file matches, `base` itself holds a wildcard, or a wildcard matches a folder.
    """
    from tfx.dsl.io import fileio

    if _WILD.search(base):
        raise DataError(f"the folder of the data must hold none of * ? [ in its path, received {base}: rename it")
    whole = f"{base.rstrip('/')}/{pattern}"
    found = [path.rstrip("/") for path in fileio.glob(whole)]
    if not _WILD.search(pattern) and found and fileio.isdir(whole):
        whole = f"{whole.rstrip('/')}/*"
        found = fileio.glob(whole)
    files = sorted(path for path in found if not _is_hidden(path, whole))
    for path in files:
        if fileio.isdir(path):
            raise DataError(
                f"{whole} matches the folder {path}, but must match files: give {pattern}/* or move it"
            )
    if not files:
        raise DataError(f"no file matches {whole}: check the folder's name; files named .* and _* do not count")
    return files


def _is_hidden(path: str, pattern: str) -> bool:
    # From the end, as a file system may spell the beginning of a path in another way.
    pairs = zip(reversed(path.split("/")), reversed(pattern.split("/")), strict=False)
    return any(name[:1] in {".", "_"} and name[:1] != wanted[:1] for name, wanted in pairs)


def open_file(path: str) -> BinaryIO:
    """Opens a local or remote file for reading bytes. Raises DataError where that cannot be done."""
    import tensorflow as tf
    from tfx.dsl.io import fileio

    try:
        # A remote file is opened when it is first read.
        opened = io.BufferedReader(_Bytes(fileio.open(path, "rb")), _BUFFER_BYTES)
        opened.peek(1)
    except (OSError, tf.errors.OpError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    return opened


@contextlib.contextmanager
def open_content(path: str, is_plain: Callable[[bytes], bool] | None = None) -> Iterator[BinaryIO]:
    """Opens a file for reading its content, decompressed where the file is a gzip.

    Args:
      path: of the file.
      is_plain: looks at the first 12 bytes of what begins like a gzip, and tells whether it is none all the same.

    Raises:
      DataError: where the file cannot be opened, or the gzip is damaged or cut off.
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


class _Bytes(io.RawIOBase):
    """`fileio.open` returns what has no more than read, seek, tell and close; Python's readers want this."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._opened.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._opened.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self._opened.tell())

    def close(self) -> None:
        self._opened.close()
        super().close()
