"""Temporary folders that the next run removes if their process was killed.

A process that is killed with -9 removes nothing, and its packed or copied files would stay in the temporary folder for
ever. The name or the age of a folder does not show whether it is still in use, because a training may take weeks. So a
process locks a file in its folder as long as it lives, and the kernel releases the lock when the process ends. `sweep`
removes a folder if it can take the lock. A process id is not enough: ids are reused, and a container has its own ids.

  limbeck-<letters>/lock     the file that is locked
  limbeck-<letters>/files/   what the process keeps there
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX, _LOCK, _FILES = "limbeck-", "lock", "files"
# The descriptor of the lock, by the folder.
_held: dict[str, int] = {}


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Yields a new folder of this process, and removes it at the end."""
    outer, lock = _locked()
    try:
        yield outer / _FILES
    finally:
        shutil.rmtree(outer, ignore_errors=True)
        os.close(lock)


def folder_until_exit() -> Path:
    """Returns a new folder of this process, which stays until the process ends, or until `release`."""
    outer, lock = _locked()
    atexit.register(_remove, outer, os.getpid())
    _held[str(outer / _FILES)] = lock
    return outer / _FILES


def release(location: str) -> None:
    """Removes a folder that `folder_until_exit` returned. Does nothing for any other path or URI."""
    lock = _held.pop(location, None)
    if lock is not None:
        shutil.rmtree(Path(location).parent, ignore_errors=True)
        os.close(lock)


def sweep() -> list[Path]:
    """Removes the temporary folders of this user whose processes are dead, and returns them.

    It leaves folders of another user, folders that a living process has locked, and whatever `folder` did not make. It
    raises nothing: what cannot be removed stays.
    """
    found = []
    with contextlib.suppress(OSError):
        found = sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"))
    return [outer for outer in found if _swept(outer)]


def _locked() -> tuple[Path, int]:
    """Makes a folder with a lock. Returns the folder, and the descriptor that holds the lock until it is closed."""
    outer = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (outer / _FILES).mkdir()
    # Under its name only when it is locked: nobody must be able to take the lock before.
    unfinished = outer / f"{_LOCK}.unfinished"
    lock = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    unfinished.rename(outer / _LOCK)
    return outer, lock


def _remove(outer: Path, owner: int) -> None:
    """Removes the folder, unless this is a fork of the process that made it."""
    if os.getpid() == owner:
        shutil.rmtree(outer, ignore_errors=True)


def _swept(outer: Path) -> bool:
    lock = None
    try:
        if outer.is_symlink() or outer.stat().st_uid != os.getuid():
            return False
        lock = os.open(outer / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        # Fails if a living process holds the lock.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(outer)
    except OSError:
        return False
    finally:
        if lock is not None:
            os.close(lock)
    return True
