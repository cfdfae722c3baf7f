"""Puts a model into a serving folder as its next version, all of it or nothing.

A server looks at the folder while it is written to, and loads the highest number that it finds there; so a copy
made in place is served half, and stays for good where the copying process dies or the disk is full. A clock for
the version number gives two pushes of one second the same number, and one below the last where it is set back.

Here a version is copied out of sight, forced to disk, and renamed; whatever happens, it is absent or complete.
What is no version stands in `.limbeck`, inside the serving folder, because a rename does not leave a filesystem:

  lock          held by the process at work; the kernel gives it back when that dies
  unfinished/   the copy
  <version>     an empty file for every number given out, so that none is used again when its folder is deleted

Paths are of local, or locally mounted, filesystems. `components.pusher.remote` has object stores.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

_OWN = ".limbeck"
_UNFINISHED = "unfinished"
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_CHUNK = 1 << 20


def push(model: Path, serving: Path) -> Path:
    """Makes a model the newest version, unless it is that already.

    Pushes into one folder take turns, in this process and in all others.

    Args:
      model: folder of a SavedModel.
      serving: folder of the versions; made where it is missing.

    Returns:
      The version's folder: `serving/<version>`. The version is 1, or one above every number that was ever given
      out or stands in the folder.

    Raises:
      FileNotFoundError: where the model has no files.
      OSError: where it cannot be copied, for one because the disk is full. No version has changed then.
    """
    wanted = _files_to_push(model)
    with _alone(serving) as own:
        served = newest(serving)
        if served and _files(served) == wanted:
            return served
        _copy(model, own / _UNFINISHED)
        return _publish(own / _UNFINISHED, serving, own)


def next_version(names: Iterable[str]) -> int:
    """1, or one above the highest number among the names.

    `007` counts as 7, because TensorFlow Serving reads it so; what is no number to it counts as nothing.
    """
    return 1 + max(filter(None, map(_version, names)), default=0)


def _version(name: str) -> int | None:
    return int(name) if re.fullmatch(r"[0-9]{1,18}", name) else None


def newest(serving: Path) -> Path | None:
    """The version that a server loads: the folder with the highest number; None where there is none."""
    if not serving.is_dir():
        return None
    versions = [path for path in serving.iterdir() if _version(path.name) is not None and path.is_dir()]
    return max(versions, key=lambda path: int(path.name), default=None)


@contextlib.contextmanager
def _alone(serving: Path) -> Iterator[Path]:
    """Holds the serving folder for this process, without what a killed one left; gives our own folder in it."""
    own = serving / _OWN
    own.mkdir(parents=True, exist_ok=True)
    with (own / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _clean(own)
        try:
            yield own
        finally:
            _clean(own)


def _clean(own: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(own / _UNFINISHED)


def _publish(copy: Path, serving: Path, own: Path) -> Path:
    while True:
        version = next_version([*os.listdir(serving), *os.listdir(own)])  # noqa: PTH208
        (own / str(version)).touch()
        # Kept before it is used: a number must not come back after a power cut either.
        _sync(own)
        try:
            copy.rename(serving / str(version))
        except OSError as error:
            # Somebody who does not know the lock, such as TFX's own Pusher, took the number since.
            if error.errno not in _TAKEN:
                raise
        else:
            _sync(serving)
            return serving / str(version)


def _copy(source: Path, destination: Path) -> None:
    """Copies a folder, and forces the copy to disk. Not the permissions: an input's may not let it be deleted."""
    destination.mkdir()
    for path in sorted(source.iterdir()):
        if path.is_dir():
            _copy(path, destination / path.name)
        else:
            shutil.copyfile(path, destination / path.name)
            _sync(destination / path.name)
    _sync(destination)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> dict[Path, str]:
    """Digest of every file in a folder, by its path in there."""
    paths = [Path(where, name) for where, _, names in os.walk(folder, followlinks=True) for name in names]
    return {path.relative_to(folder): _digest(path) for path in paths if path.is_file()}


def _files_to_push(model: Path) -> dict[Path, str]:
    files = _files(model)
    if not files:
        raise FileNotFoundError(errno.ENOENT, "a model to push must have files, and there are none in", str(model))
    return files


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
