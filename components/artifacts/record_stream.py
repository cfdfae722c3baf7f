"""Reads TFRecords from an open file, and verifies their checksums.

TensorFlow takes many truncated files for complete ones. For the others, its message names neither file nor place. Here
every damaged record raises an error with its place. A record consists of its length (uint64), a checksum of the length,
the content, and a checksum of the content. The checksums are CRC-32C, rotated and shifted. All numbers are little
endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

HEAD_BYTES, TAIL_BYTES = 12, 4


class DamagedRecordError(ValueError):
    """A record is damaged or cut off.

    Attributes:
      is_foreign: whether the file does not even begin like a TFRecord file.
    """

    def __init__(self, offset: int, what: str, *, is_foreign: bool = False) -> None:
        """Takes the byte offset at which the record begins, and what is wrong with it."""
        super().__init__(f"the record at byte {offset} {what}")
        self.is_foreign = is_foreign


def records_in(content: BinaryIO) -> Iterator[bytes]:
    """Yields the content of each record of an open file.

    Args:
      content: the file, decompressed, at its beginning.

    Raises:
      DamagedRecordError: if a record is damaged or cut off; the message names its byte offset.
    """
    offset = 0
    while head := content.read(HEAD_BYTES):
        if len(head) == HEAD_BYTES and not is_head(head):
            what = "is damaged" if offset else "is not a TFRecord"
            raise DamagedRecordError(offset, f"{what}: the checksum of its length is wrong", is_foreign=not offset)
        record = _rest(content, head, offset)
        offset += HEAD_BYTES + len(record) + TAIL_BYTES
        yield record


def is_head(head: bytes) -> bool:
    """Returns whether 12 bytes are the head of a record: a length and its checksum."""
    return len(head) == HEAD_BYTES and _checksum(head[:8]) == head[8:]


def length_in(head: bytes) -> int:
    """Returns the length of the content, from a head of 12 bytes. Does not verify the checksum."""
    return int(struct.unpack("<Q", head[:8])[0])


def _rest(content: BinaryIO, head: bytes, offset: int) -> bytes:
    length = length_in(head) if len(head) == HEAD_BYTES else 0
    rest = content.read(length + TAIL_BYTES)
    if len(rest) < length + TAIL_BYTES:
        raise DamagedRecordError(offset, "is cut off by the end of the file")
    record = rest[:length]
    if _checksum(record) != rest[length:]:
        raise DamagedRecordError(offset, "is damaged: the checksum of its content is wrong")
    return record


def _checksum(content: bytes) -> bytes:
    import google_crc32c

    crc = google_crc32c.value(content)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)
