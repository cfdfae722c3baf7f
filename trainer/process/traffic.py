"""Counts the bytes that this process moves: rows that are looked up, files, and connections to other processes.

Bytes show whether a training mostly computes or mostly moves data: unlike seconds, they are the same on a busy and on
an idle machine. But no single counter includes all bytes. The kernel counts the bytes that a process reads and writes
by system calls. It counts neither pages of memory-mapped files, such as packed rows, nor bytes sent through sockets,
such as gradients. So rows are counted where they are looked up, and the kernel is asked for the bytes of each
connection.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import threading
from pathlib import Path

from limbeck.rank_record import Traffic

# The offset in Linux's `struct tcp_info` of two uint64: bytes acknowledged by the other side, and bytes received.
_ACKNOWLEDGED_AND_RECEIVED = struct.Struct("=QQ")
_OFFSET = 120
_DESCRIPTORS = Path("/proc/self/fd")


class RowCounter:
    """The bytes of packed rows that this process has looked up. Several threads add to it."""

    def __init__(self) -> None:
        self._lock, self._bytes = threading.Lock(), 0

    def add(self, count: int) -> None:
        """Adds a number of bytes."""
        with self._lock:
            self._bytes += count

    @property
    def bytes(self) -> int:
        """All bytes so far."""
        return self._bytes


ROWS = RowCounter()


class Meter:
    """Measures what this process moves from now on."""

    def __init__(self) -> None:
        self._rows, self._calls = ROWS.bytes, by_calls()

    def read(self) -> Traffic:
        """Returns what was moved since the meter was made. Connections that have been closed do not count."""
        read, written = calls_since(self._calls) or (None, None)
        sent, received = through_connections() or (None, None)
        return Traffic(rows=ROWS.bytes - self._rows, read=read, written=written, sent=sent, received=received)


def by_calls() -> tuple[int, int] | None:
    """Returns how many bytes this process has read and written by system calls; None if the kernel does not say."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = dict(line.split(": ") for line in lines)
    return int(found["rchar"]), int(found["wchar"])


def calls_since(before: tuple[int, int] | None) -> tuple[int, int] | None:
    """Returns how many bytes were read and written since `by_calls` returned `before`; None if that is unknown."""
    now = by_calls()
    return None if before is None or now is None else (now[0] - before[0], now[1] - before[1])


def through_connections() -> tuple[int, int] | None:
    """Returns the bytes sent and received through the open TCP connections; None if that is unknown."""
    if not _DESCRIPTORS.is_dir() or not hasattr(socket, "TCP_INFO"):
        return None
    counts = connections().values()
    return sum(sent for sent, _ in counts), sum(received for _, received in counts)


def connections() -> dict[int, tuple[int, int]]:
    """Returns the bytes sent and received through each open TCP connection, by its inode."""
    counts = dict[int, tuple[int, int]]()
    for descriptor in list(_DESCRIPTORS.iterdir()):
        # Another thread may close it at any moment.
        with contextlib.suppress(OSError):
            counts.update(_of_connection(int(descriptor.name)))
    return counts


def _of_connection(descriptor: int) -> dict[int, tuple[int, int]]:
    """Returns the bytes sent and received through a file descriptor, by inode; empty if it is no TCP connection."""
    state = os.fstat(descriptor)
    if not stat.S_ISSOCK(state.st_mode):
        return {}
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        if connection.type != socket.SOCK_STREAM or connection.family not in (socket.AF_INET, socket.AF_INET6):
            return {}
        size = _OFFSET + _ACKNOWLEDGED_AND_RECEIVED.size
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
    # An older kernel returns a shorter structure.
    return {state.st_ino: _ACKNOWLEDGED_AND_RECEIVED.unpack_from(told, _OFFSET)} if len(told) == size else {}
