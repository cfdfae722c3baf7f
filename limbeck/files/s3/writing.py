"""Writes an object: in one request if it is small, in parts otherwise. It appears as a whole, or not at all.

Parts are invisible until the upload is completed. A process that is killed leaves them in the store, where a rule of
the bucket (AbortIncompleteMultipartUpload) removes them after some days.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

from limbeck.files.s3.connection import Connection
from limbeck.files.s3.errors import python_errors
from limbeck.files.s3.uri import Uri

# A store accepts 10,000 parts. Their sizes grow, so that a file may have 440 GiB, and a small file takes little memory.
PART_BYTES = 8 << 20
_PARTS_OF_ONE_SIZE = 1000


def part_bytes(number: int) -> int:
    """Returns the size of the part with this number, from 0, in bytes."""
    return PART_BYTES * (1 + number // _PARTS_OF_ONE_SIZE)


class ObjectWriter(io.RawIOBase):
    """A stream that is written from front to back. `complete` makes the object; without it, there is none."""

    def __init__(self, path: str, uri: Uri, connection: Connection) -> None:
        """Takes the destination. Sends nothing before a part is full."""
        super().__init__()
        self._path, self._connection, self._uri = path, connection, uri
        self._buffer = bytearray()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._place = {"Bucket": uri.bucket, "Key": uri.key}

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._buffer += view
        while len(self._buffer) >= (size := part_bytes(len(self._parts))):
            self._send(self._buffer[:size])
            del self._buffer[:size]
        return len(view)

    def complete(self) -> None:
        """Sends the rest, and makes the object visible. Raises OSError if that fails: then there is no object."""
        client = self._connection.client
        if self._upload is None:
            with self._python_errors():
                client.put_object(**self._place, Body=bytes(self._buffer))
            return
        if self._buffer:
            self._send(self._buffer)
        with self._python_errors():
            client.complete_multipart_upload(
                **self._place, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
            )

    def abandon(self) -> None:
        """Removes the parts that were sent. Raises nothing, because it is called after another error."""
        self._buffer.clear()
        if self._upload is not None:
            with contextlib.suppress(OSError), self._python_errors():
                self._connection.client.abort_multipart_upload(**self._place, UploadId=self._upload)

    def _send(self, content: bytearray) -> None:
        client = self._connection.client
        with self._python_errors():
            if self._upload is None:
                self._upload = client.create_multipart_upload(**self._place)["UploadId"]
            number = len(self._parts) + 1
            part = client.upload_part(**self._place, UploadId=self._upload, PartNumber=number, Body=bytes(content))
        self._parts.append({"PartNumber": number, "ETag": part["ETag"]})

    def _python_errors(self) -> contextlib.AbstractContextManager[None]:
        return python_errors(self._path, self._uri, self._connection)
