"""Files by path or URI. All code that opens, lists or writes artifacts or files of a job uses this package.

`Path("gs://bucket/x").write_text(...)` raises no error: it writes below a folder `gs:` in the working directory, and
nothing is in the bucket. So a location that may be a URI is a string, and is used with these functions. Local paths
need no TensorFlow. For other schemes, `limbeck.files.filesystem` names the file system.

An object store has no folders: a folder exists as long as a file is in it, and an empty folder is a missing one. All
errors are Python's own: FileNotFoundError, PermissionError, other OSErrors.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shutil
from collections.abc import Iterator
from typing import BinaryIO, cast

from limbeck import temporary
from limbeck.files.counted import Count, CountedFile, counted_reader
from limbeck.files.filesystem import (
    UNFINISHED,
    Location,
    ServerSideCopy,
    Visibility,
    filesystem_of,
    scheme_of,
)

__all__ = [
    "UNFINISHED",
    "Location",
    "Visibility",
    "copy",
    "copy_folder",
    "count_reads",
    "count_writes",
    "exists",
    "folder_bytes",
    "is_below",
    "is_folder",
    "is_local",
    "join",
    "local_copy",
    "make_folder",
    "modified",
    "names",
    "note_read",
    "open_to_read",
    "open_to_write",
    "opened_by_tensorflow",
    "read_bytes",
    "read_text",
    "remove",
    "remove_folder",
    "rename",
    "scheme_of",
    "size",
    "visibility",
    "walk",
    "write_bytes",
    "write_text",
    "written_locally",
]


def join(folder: Location, *parts: str) -> str:
    """Returns the path or URI of `parts` below a folder."""
    return "/".join([os.fspath(folder).rstrip("/"), *parts])


def is_local(location: Location) -> bool:
    """Returns whether this is a path of this machine. `file:///...` is one."""
    return scheme_of(location) in ("", "file")


def is_below(location: Location, folder: Location) -> bool:
    """Returns whether a path of this machine is a folder, or is below it; False for URIs of other schemes."""
    if not (is_local(location) and is_local(folder)):
        return False
    path, above = (os.path.normpath(filesystem_of(each)[1]) for each in (location, folder))
    return path.startswith("/") and os.path.commonpath([path, above]) == above


def visibility(location: Location) -> Visibility:
    """Returns which other processes find the same file here. Raises ConfigError if the scheme is not known."""
    return filesystem_of(location)[0].visibility


def opened_by_tensorflow(location: Location) -> bool:
    """Returns whether TensorFlow's own code, such as a writer of summaries, can be given this location."""
    return filesystem_of(location)[0].opened_by_tensorflow


def open_to_read(location: Location) -> BinaryIO:
    """Opens a file for reading bytes, from any position.

    Raises:
      ConfigError: if the scheme is not known.
      FileNotFoundError: if there is no such file.
      OSError: if the file cannot be read.
    """
    filesystem, path = filesystem_of(location)
    file = filesystem.open_to_read(path)
    return file if _told.read is None else counted_reader(file, _told.read)


def open_to_write(location: Location) -> contextlib.AbstractContextManager[BinaryIO]:
    """Returns a context that writes a file. Makes missing folders.

    A file appears, or replaces an older one, as a whole when the context ends well. If an error ends the context,
    nothing has changed. `gs://` does the same, but may keep a part of the file after an error.

    Raises:
      ConfigError: if the scheme is not known.
      OSError: if the file cannot be written.
    """
    filesystem, path = filesystem_of(location)
    file = filesystem.open_to_write(path)
    return file if _told.written is None else _counted_writer(file, _told.written)


def count_reads(count: Count) -> None:
    """From now on, `count` is called with the number of bytes for each read from a file that is opened here."""
    _told.read = count


def count_writes(count: Count) -> None:
    """From now on, `count` is called with the number of bytes for each write to a file that is opened here."""
    _told.written = count


def note_read(count: int) -> None:
    """Counts bytes that were read from a file that was not opened here."""
    if _told.read is not None:
        _told.read(count)


@dataclasses.dataclass
class _Told:
    """The functions that count reads and writes; None if there is none."""

    read: Count | None = None
    written: Count | None = None


_told = _Told()


@contextlib.contextmanager
def _counted_writer(writing: contextlib.AbstractContextManager[BinaryIO], count: Count) -> Iterator[BinaryIO]:
    with writing as file:
        # The context closes the file, and then renames it.
        yield cast("BinaryIO", CountedFile(file, count, "wb", closes=False))


def read_bytes(location: Location) -> bytes:
    """Returns the content of a file. Raises what `open_to_read` does."""
    with open_to_read(location) as file:
        return file.read()


def read_text(location: Location) -> str:
    """Returns the content of a file in UTF-8. Raises what `open_to_read` does, and UnicodeDecodeError."""
    return read_bytes(location).decode("utf-8")


def write_bytes(location: Location, content: bytes) -> None:
    """Writes a file, as `open_to_write` does."""
    with open_to_write(location) as file:
        file.write(content)


def write_text(location: Location, text: str) -> None:
    """Writes a file in UTF-8, as `open_to_write` does."""
    write_bytes(location, text.encode("utf-8"))


def exists(location: Location) -> bool:
    """Returns whether there is a file or a folder."""
    filesystem, path = filesystem_of(location)
    return filesystem.exists(path)


def is_folder(location: Location) -> bool:
    """Returns whether there is a folder."""
    filesystem, path = filesystem_of(location)
    return filesystem.is_folder(path)


def size(location: Location) -> int:
    """Returns the size of a file in bytes. Raises FileNotFoundError if there is none."""
    filesystem, path = filesystem_of(location)
    return filesystem.size(path)


def modified(location: Location) -> int:
    """Returns when a file was last changed, in nanoseconds since 1970; 0 if the file system does not know.

    Raises:
      FileNotFoundError: if there is no such file.
    """
    filesystem, path = filesystem_of(location)
    return filesystem.modified(path)


def names(folder: Location) -> list[str]:
    """Returns the sorted names of the files and folders directly in a folder; empty if the folder is missing."""
    filesystem, path = filesystem_of(folder)
    try:
        return sorted(filesystem.names(path))
    except FileNotFoundError:
        return []


def walk(folder: Location) -> list[str]:
    """Returns the sorted paths (`a/b`) of all files below a folder, relative to it; empty if the folder is missing."""
    filesystem, path = filesystem_of(folder)
    return sorted(filesystem.walk(path))


def folder_bytes(folder: Location) -> int:
    """Returns the size of all files below a folder, in bytes."""
    return sum(size(join(folder, path)) for path in walk(folder))


def make_folder(folder: Location) -> None:
    """Makes a folder and its missing parents."""
    filesystem, path = filesystem_of(folder)
    filesystem.make_folder(path)


def remove(location: Location, *, missing_ok: bool = False) -> None:
    """Removes a file. Raises FileNotFoundError if there is none, unless `missing_ok`."""
    filesystem, path = filesystem_of(location)
    with contextlib.suppress(*([FileNotFoundError] if missing_ok else [])):
        filesystem.remove(path)


def remove_folder(folder: Location) -> None:
    """Removes a folder and its content. Does nothing if it is missing."""
    filesystem, path = filesystem_of(folder)
    with contextlib.suppress(FileNotFoundError):
        filesystem.remove_folder(path)


def rename(source: Location, target: Location) -> None:
    """Renames a file on its file system. Replaces a file that has the new name.

    Raises:
      ValueError: if the two names are on different file systems.
    """
    (filesystem, old), (_, new) = filesystem_of(source), filesystem_of(target)
    if scheme_of(source) != scheme_of(target) and not (is_local(source) and is_local(target)):
        raise ValueError(
            f"a file keeps its file system when it is renamed, received {source} and {target}: copy it"
        )
    if old == new:
        # TensorFlow would remove the only copy.
        filesystem.size(old)
        return
    filesystem.rename(old, new)


def copy(source: Location, target: Location) -> None:
    """Copies a file between any two file systems. Writes the target as `open_to_write` does.

    An object store copies its files itself. Then no data pass through this process.
    """
    (filesystem, old), (_, new) = filesystem_of(source), filesystem_of(target)
    if scheme_of(source) == scheme_of(target) and isinstance(filesystem, ServerSideCopy):
        filesystem.copy(old, new)
        return
    with open_to_read(source) as opened, open_to_write(target) as file:
        shutil.copyfileobj(opened, file, 1 << 20)


def copy_folder(source: Location, target: Location) -> None:
    """Copies all files below a folder between any two file systems. Replaces files that are there already."""
    for path in walk(source):
        copy(join(source, path), join(target, path))


def local_copy(folder: Location) -> str:
    """Returns a local path of a folder, for code that can only read local files, such as a memory map.

    Returns:
      The folder itself if it is local. Otherwise a copy: each process makes one and removes it at its end.

    Raises:
      FileNotFoundError: if a folder that is not local holds no files.
    """
    if is_local(folder):
        return filesystem_of(folder)[1]
    return _copied(os.fspath(folder))


@functools.cache
def _copied(folder: str) -> str:
    if not walk(folder):
        raise FileNotFoundError(f"there are no files in {folder}")
    scratch = str(temporary.folder_until_exit())
    copy_folder(folder, scratch)
    return scratch


@contextlib.contextmanager
def written_locally(folder: Location) -> Iterator[str]:
    """Yields a local path of a folder, for code that can only write local files.

    Returns:
      The folder itself if it is local; it is not made. Otherwise an empty folder: what was written there is copied when
      the context ends well. If an error ends it, nothing is copied.
    """
    if is_local(folder):
        yield filesystem_of(folder)[1]
        return
    with temporary.folder() as scratch:
        yield str(scratch)
        copy_folder(scratch, folder)
