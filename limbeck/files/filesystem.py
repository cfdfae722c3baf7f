"""Which file system opens a URI: a registry by scheme.

A new kind of storage is a module beside this one, with a class that does what `FileSystem` says, and a line in
`FILE_SYSTEMS`.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from limbeck.errors import ConfigError, nearest

Location = str | os.PathLike[str]
# How the name begins of a file that is being written; one that a killed process left may be removed.
UNFINISHED = ".unfinished-"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Visibility(enum.IntEnum):
    """Which processes find the same file at a URI: the writing one, those of its machine, or those of any machine.

    A path may well lie on a shared disk, but nothing in it tells so: it counts as `MACHINE`.
    """

    PROCESS = 1
    MACHINE = 2
    NETWORK = 3


class FileSystem(Protocol):
    """What `limbeck.files` needs of a storage. Errors are OSErrors; FileNotFoundError where something is missing."""

    @property
    def visibility(self) -> Visibility:
        """Which processes find the same file."""

    def open_to_read(self, path: str) -> BinaryIO:
        """A stream with positions; raises here, and not at the first read, where there is no such file."""

    def open_to_write(self, path: str) -> AbstractContextManager[BinaryIO]:
        """A stream whose content is there when the context has ended well; missing folders are made."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or a folder."""

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""

    def size(self, path: str) -> int:
        """Bytes of a file."""

    def modified(self, path: str) -> int:
        """Nanoseconds since 1970; 0 where it is not known."""

    def names(self, folder: str) -> Iterable[str]:
        """What is directly in a folder, without slashes."""

    def walk(self, folder: str) -> Iterable[str]:
        """All files below a folder, by their path from there; none where it is missing."""

    def make_folder(self, folder: str) -> None:
        """Makes a folder and those above it."""

    def remove(self, path: str) -> None:
        """Removes a file."""

    def remove_folder(self, folder: str) -> None:
        """Removes a folder with all that is in it."""

    def rename(self, source: str, target: str) -> None:
        """Renames a file over another."""


def scheme_of(location: Location) -> str:
    """`gs` of `gs://bucket/x`, in lower case; empty for a path."""
    found = _SCHEME.match(os.fspath(location))
    return found[1].lower() if found else ""


def filesystem_of(location: Location) -> tuple[FileSystem, str]:
    """The file system of a path or URI, and what it calls it.

    Raises:
      ConfigError: where no file system is known for the scheme.
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


FILE_SYSTEMS: dict[str, Callable[[], FileSystem]] = {"": _local, "file": _local, "gs": _network, "ram": _memory}
