"""Finds the file system for a URI: a registry by scheme.

To add a kind of storage, write a module in this folder, with a class that implements `FileSystem`, and add a line to
`FILE_SYSTEMS`.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol, runtime_checkable

from limbeck.errors import ConfigError, nearest

Location = str | os.PathLike[str]
# A file has this prefix while it is being written. If a killed process left such a file, it may be removed.
UNFINISHED = ".unfinished-"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Visibility(enum.IntEnum):
    """The processes that find the same file at a URI: only the writer, those of its machine, or those of any machine.

    A path may be on a shared disk, but nothing in the path says so: it counts as `MACHINE`.
    """

    PROCESS = 1
    MACHINE = 2
    NETWORK = 3


class FileSystem(Protocol):
    """What `limbeck.files` needs from a storage. Errors are OSErrors; a missing file is a FileNotFoundError."""

    @property
    def visibility(self) -> Visibility:
        """The processes that find the same file."""

    @property
    def opened_by_tensorflow(self) -> bool:
        """Whether TensorFlow reads and writes these files by itself."""

    def open_to_read(self, path: str) -> BinaryIO:
        """Returns a seekable stream. If there is no such file, this call raises the error, not the first read."""

    def open_to_write(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Returns a context of a stream. Its content is there when the context ended well. Makes missing folders."""

    def exists(self, path: str) -> bool:
        """Returns whether there is a file or a folder."""

    def is_folder(self, path: str) -> bool:
        """Returns whether there is a folder."""

    def size(self, path: str) -> int:
        """Returns the size of a file in bytes."""

    def modified(self, path: str) -> int:
        """Returns when a file was last changed, in nanoseconds since 1970; 0 if it is not known."""

    def names(self, folder: str) -> Iterable[str]:
        """Returns the names of the files and folders directly in a folder, without slashes."""

    def walk(self, folder: str) -> Iterable[str]:
        """Returns the paths of all files below a folder, relative to it; empty if the folder is missing."""

    def make_folder(self, folder: str) -> None:
        """Makes a folder and its missing parents."""

    def remove(self, path: str) -> None:
        """Removes a file."""

    def remove_folder(self, folder: str) -> None:
        """Removes a folder with its content."""

    def rename(self, source: str, target: str) -> None:
        """Renames a file. Replaces a file that has the new name."""


@runtime_checkable
class ServerSideCopy(Protocol):
    """A file system that copies a file by itself, without sending the content through this process."""

    def copy(self, source: str, target: str) -> None:
        """Copies a file. The target appears, or replaces an older one, as a whole."""


def scheme_of(location: Location) -> str:
    """Returns the scheme in lower case: `gs` for `gs://bucket/x`; empty for a path."""
    found = _SCHEME.match(os.fspath(location))
    return found[1].lower() if found else ""


def filesystem_of(location: Location) -> tuple[FileSystem, str]:
    """Returns the file system of a path or URI, and the path in the form that this file system takes.

    Raises:
      ConfigError: if no file system is known for the scheme.
    """
    scheme, text = scheme_of(location), os.fspath(location)
    if scheme not in FILE_SYSTEMS:
        known = sorted(f"{name}://" for name in FILE_SYSTEMS if name)
        raise ConfigError(
            f"{text} cannot be opened: there is no file system for '{scheme}://'.{nearest(f'{scheme}://', known)} "
            f"Known: paths of this machine, {', '.join(known)}"
        )
    return FILE_SYSTEMS[scheme](), text[len("file://") :] if scheme == "file" else text


def _local() -> FileSystem:
    from limbeck.files.local import LocalFileSystem

    return LocalFileSystem()


def _network() -> FileSystem:
    from limbeck.files.tensorflow import TensorFlowFileSystem

    return TensorFlowFileSystem(Visibility.NETWORK)


def _memory() -> FileSystem:
    from limbeck.files.tensorflow import TensorFlowFileSystem

    return TensorFlowFileSystem(Visibility.PROCESS)


def _object_store() -> FileSystem:
    from limbeck.files.s3.filesystem import S3FileSystem

    return S3FileSystem()


FILE_SYSTEMS: dict[str, Callable[[], FileSystem]] = {
    "": _local,
    "file": _local,
    "gs": _network,
    "minio": _object_store,
    "ram": _memory,
    "s3": _object_store,
}
