"""Files by path or URI: everything that may be an artifact or belong to a job is opened, listed and written here.

`Path("gs://bucket/x").write_text(...)` raises nothing: it writes below a folder `gs:` in the working directory, and
whoever looks into the bucket finds nothing. So what may be a URI is a text, and goes through these functions. Local
paths need no TensorFlow; other schemes are opened by the file system that `limbeck.files.filesystem` names for them.

An object store has no folders: a folder there exists while a file is in it, and an empty one equals a missing one.
Whatever is read, the errors are those of Python: FileNotFoundError, PermissionError, other OSErrors.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
from typing import BinaryIO

from limbeck.files.filesystem import UNFINISHED, Location, Visibility, filesystem_of, scheme_of

__all__ = [
    "UNFINISHED",
    "Location",
    "Visibility",
    "copy",
    "copy_folder",
    "exists",
    "folder_bytes",
    "is_folder",
    "is_local",
    "join",
    "local_copy",
    "make_folder",
    "modified",
    "names",
    "open_to_read",
    "open_to_write",
    "read_bytes",
    "read_text",
    "remove",
    "remove_folder",
    "rename",
    "size",
    "visibility",
    "walk",
    "write_bytes",
    "write_text",
]


def join(folder: Location, *parts: str) -> str:
    """The path or URI of `parts` below a folder."""
    return "/".join([os.fspath(folder).rstrip("/"), *parts])


def is_local(location: Location) -> bool:
    """Whether this is a path of this machine, also one that is written `file:///...`."""
    return scheme_of(location) in ("", "file")


def visibility(location: Location) -> Visibility:
    """Which other processes find the same file here. Raises ConfigError for a scheme that is not known."""
    return filesystem_of(location)[0].visibility


def open_to_read(location: Location) -> BinaryIO:
    """Opens a file to read its bytes, from any position.

    Raises:
      ConfigError: where the scheme is not known.
      FileNotFoundError: where there is no such file.
      OSError: where it cannot be read.
    """
    filesystem, path = filesystem_of(location)
    return filesystem.open_to_read(path)


def open_to_write(location: Location) -> contextlib.AbstractContextManager[BinaryIO]:
    """A context in which a file is written; missing folders are made.

    A local file appears, or takes the place of an older one, as a whole when the context ends well; where an error
    ends it, nothing has changed. An object store does the same, apart from what is left of a file after an error.

    Raises:
      ConfigError: where the scheme is not known.
      OSError: where it cannot be written.
    """
    filesystem, path = filesystem_of(location)
    return filesystem.open_to_write(path)


def read_bytes(location: Location) -> bytes:
    """The content of a file. Raises what `open_to_read` does."""
    with open_to_read(location) as file:
        return file.read()


def read_text(location: Location) -> str:
    """The content of a file in UTF-8. Raises what `open_to_read` does, and UnicodeDecodeError."""
    return read_bytes(location).decode("utf-8")


def write_bytes(location: Location, content: bytes) -> None:
    """Writes a file, as `open_to_write` does."""
    with open_to_write(location) as file:
        file.write(content)


def write_text(location: Location, text: str) -> None:
    """Writes a file in UTF-8, as `open_to_write` does."""
    write_bytes(location, text.encode("utf-8"))


def exists(location: Location) -> bool:
    """Whether there is a file or a folder."""
    filesystem, path = filesystem_of(location)
    return filesystem.exists(path)


def is_folder(location: Location) -> bool:
    """Whether there is a folder."""
    filesystem, path = filesystem_of(location)
    return filesystem.is_folder(path)


def size(location: Location) -> int:
    """Bytes of a file. Raises FileNotFoundError where there is none."""
    filesystem, path = filesystem_of(location)
    return filesystem.size(path)


def modified(location: Location) -> int:
    """When a file was last changed, in nanoseconds since 1970; 0 where the file system does not say.

    Raises:
      FileNotFoundError: where there is none.
    """
    filesystem, path = filesystem_of(location)
    return filesystem.modified(path)


def names(folder: Location) -> list[str]:
    """Names of the files and folders directly in a folder, sorted; none where it is missing."""
    filesystem, path = filesystem_of(folder)
    try:
        return sorted(filesystem.names(path))
    except FileNotFoundError:
        return []


def walk(folder: Location) -> list[str]:
    """All files below a folder, by their path from there (`a/b`), sorted; none where it is missing."""
    filesystem, path = filesystem_of(folder)
    return sorted(filesystem.walk(path))


def folder_bytes(folder: Location) -> int:
    """Bytes of all files below a folder together."""
    return sum(size(join(folder, path)) for path in walk(folder))


def make_folder(folder: Location) -> None:
    """Makes a folder and those above it, where they are missing."""
    filesystem, path = filesystem_of(folder)
    filesystem.make_folder(path)


def remove(location: Location, *, missing_ok: bool = False) -> None:
    """Removes a file. Raises FileNotFoundError where there is none, unless `missing_ok`."""
    filesystem, path = filesystem_of(location)
    with contextlib.suppress(*([FileNotFoundError] if missing_ok else [])):
        filesystem.remove(path)


def remove_folder(folder: Location) -> None:
    """Removes a folder and all that is in it; nothing where it is missing."""
    filesystem, path = filesystem_of(folder)
    with contextlib.suppress(FileNotFoundError):
        filesystem.remove_folder(path)


def rename(source: Location, target: Location) -> None:
    """Gives a file another name on the same file system, in the place of one that has it.

    Raises:
      ValueError: where the two are on different file systems.
    """
    (filesystem, old), (_, new) = filesystem_of(source), filesystem_of(target)
    if scheme_of(source) != scheme_of(target) and not (is_local(source) and is_local(target)):
        raise ValueError(
            f"a file keeps its file system when it is renamed, received {source} and {target}: copy it"
        )
    filesystem.rename(old, new)


def copy(source: Location, target: Location) -> None:
    """Copies a file, between any two file systems; the target is written as `open_to_write` does."""
    with open_to_read(source) as opened, open_to_write(target) as file:
        shutil.copyfileobj(opened, file, 1 << 20)


def copy_folder(source: Location, target: Location) -> None:
    """Copies all files below a folder, between any two file systems; files that are there already are replaced."""
    for path in walk(source):
        copy(join(source, path), join(target, path))


def local_copy(folder: Location) -> str:
    """The path of a folder for what can only read local files, such as a memory map.

    Returns:
      The folder itself where it is local; otherwise a copy, which is made once a process and removed at its end.

    Raises:
      FileNotFoundError: where a folder that is not local holds no files.
    """
    if is_local(folder):
        return filesystem_of(folder)[1]
    return _copied(os.fspath(folder))


@functools.cache
def _copied(folder: str) -> str:
    if not walk(folder):
        raise FileNotFoundError(f"there are no files in {folder}")
    scratch = tempfile.mkdtemp(prefix="limbeck-copy-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    copy_folder(folder, scratch)
    return scratch
