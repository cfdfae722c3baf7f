"""Files that a worker writes as a whole, or not at all.

A worker may die while it writes, and then another worker writes the same file again. A job may also be cancelled while
a worker goes on. So a file is written under a unique name in another folder, and renamed when it is complete. Workers
never create these folders, so a worker of a cancelled job fails when the folders are removed.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from limbeck import files, temporary


@contextlib.contextmanager
def written(destination: str, scratch: str) -> Iterator[str]:
    """Yields a path to write to. If the context ends without an exception, the file appears at its destination.

    Args:
      destination: path or URI of the file. An older file is replaced.
      scratch: folder for unfinished files, on the file system of a destination that is a path. A destination that is a
        URI is copied from this machine, and the folder is not used. If only the folder is a URI, the unfinished file
        has a hidden name beside its destination.

    Raises:
      OSError: if one of the folders is missing.
    """
    name = f"{uuid.uuid4().hex}-{destination.rpartition('/')[2]}"
    if not files.is_local(destination):
        with temporary.folder() as folder:
            path = folder / name
            yield str(path)
            files.copy(path, destination)
        return
    unfinished = Path(scratch, name) if files.is_local(scratch) else Path(destination).with_name(f".{name}")
    try:
        yield str(unfinished)
        unfinished.rename(destination)
    finally:
        unfinished.unlink(missing_ok=True)


def given_up(folder: Path) -> None:
    """Removes a folder that others may still write into. Does nothing if it is missing.

    It is renamed first, so that no process can write a file into it while it is being removed.
    """
    hidden = folder.with_name(f".{folder.name.lstrip('.')}.{uuid.uuid4().hex}")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(hidden)
        files.remove_folder(hidden)
