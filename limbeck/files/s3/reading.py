"""Reads an object as a stream. A seek requests the rest of the object, and a broken connection is opened again.

A training reads gigabytes over one connection, and connections break. Every request after the first names the version
of the object that the first one found: parts of two versions must not be mixed.
"""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Callable
from typing import Any

from limbeck.files.s3.connection import Connection
from limbeck.files.s3.errors import python_errors
from limbeck.files.s3.uri import Uri

# Reading and dropping this many bytes is cheaper than another request.
_SKIP_BYTES = 1 << 18
_PIECE_BYTES = 1 << 20
_TRIES = 4


class ObjectReader(io.RawIOBase):
    """A seekable stream of one object."""

    def __init__(self, path: str, uri: Uri, connection: Connection) -> None:
        """Opens the object.

        Raises:
          FileNotFoundError: if there is none.
          OSError: if it cannot be read.
        """
        super().__init__()
        self._path, self._uri, self._connection = path, uri, connection
        self._position, self._body_at = 0, 0
        answer = self._get()
        self._body, self._size, self._version = answer["Body"], int(answer["ContentLength"]), answer["ETag"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError(f"negative seek position {origin + offset}")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        content = self._patiently(lambda: self._read(wanted))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def readall(self) -> bytes:
        # Python's own method would read eight kilobytes at a time.
        return b"".join(iter(lambda: self.read(_PIECE_BYTES) or b"", b""))

    def close(self) -> None:
        if not self.closed and getattr(self, "_body", None) is not None:
            self._body.close()
        super().close()

    def _read(self, wanted: int) -> bytes:
        """Reads at least one byte from the current position on."""
        ahead = self._position - self._body_at
        if self._body is None or not 0 <= ahead <= _SKIP_BYTES:
            self._drop()
            self._body = self._get(Range=f"bytes={self._position}-", IfMatch=self._version)["Body"]
            self._body_at, ahead = self._position, 0
        while ahead:
            ahead -= len(self._some(ahead))
        return self._some(wanted)

    def _some(self, most: int) -> bytes:
        content = bytes(self._body.read(most))
        if not content:
            raise ConnectionResetError(errno.ECONNRESET, "the stream ended before the object did", self._path)
        self._body_at += len(content)
        return content

    def _patiently(self, read: Callable[[], bytes]) -> bytes:
        from botocore import exceptions

        broken = (
            exceptions.IncompleteReadError,
            exceptions.ReadTimeoutError,
            exceptions.ResponseStreamingError,
            ConnectionError,
        )
        with python_errors(self._path, self._uri, self._connection):
            for _ in range(_TRIES - 1):
                with contextlib.suppress(*broken):
                    return read()
                self._drop()
            return read()

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
        self._body = None

    def _get(self, **options: str) -> Any:
        with python_errors(self._path, self._uri, self._connection):
            return self._connection.client.get_object(Bucket=self._uri.bucket, Key=self._uri.key, **options)
