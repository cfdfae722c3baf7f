"""Files that count the bytes that are read from them or written to them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, cast

# Takes a number of bytes.
Count = Callable[[int], None]
_BUFFER_BYTES = 1 << 16


class CountedFile(io.RawIOBase):
    """A file that is open for reading or for writing bytes."""

    def __init__(self, file: Any, count: Count, mode: str, *, closes: bool = True) -> None:
        """Takes the file, and the function that counts.

        Args:
          file: the file.
          count: called with the number of bytes of each read or write.
          mode: `rb` or `wb`.
          closes: whether the file is closed with this one.
        """
        super().__init__()
        self._file, self._count, self._closes, self.mode = file, count, closes, mode

    def readable(self) -> bool:
        """Returns whether the file is open for reading."""
        return "r" in self.mode

    def writable(self) -> bool:
        """Returns whether the file is open for writing."""
        return "w" in self.mode

    def seekable(self) -> bool:
        """Returns whether the file can be read from any position."""
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a position, and returns it."""
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        """Returns the position."""
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        """Reads at most as many bytes as the buffer takes. Returns their number."""
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        self._count(len(content))
        return len(content)

    def write(self, content: Any) -> int:
        """Writes all bytes. Returns their number."""
        size = memoryview(content).nbytes
        self._file.write(content)
        self._count(size)
        return size

    def flush(self) -> None:
        """Passes everything that was written on to the file."""
        if not self.closed and self.writable():
            self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        if not self.closed:
            try:
                super().close()
            finally:
                if self._closes:
                    self._file.close()


def counted_reader(file: Any, count: Count) -> BinaryIO:
    """Returns a file for reading `file`. It calls `count` with the number of bytes of each read."""
    return cast("BinaryIO", io.BufferedReader(CountedFile(file, count, "rb"), _BUFFER_BYTES))


def counted_writer(file: Any, count: Count) -> BinaryIO:
    """Returns a file for writing `file`. It calls `count` with the number of bytes of each write."""
    return cast("BinaryIO", io.BufferedWriter(CountedFile(file, count, "wb"), _BUFFER_BYTES))
