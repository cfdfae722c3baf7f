"""Puts a model into a serving folder as its next version: the whole model or nothing.

A server watches the folder while it is written to, and loads the highest number in it. So an unfinished copy in the
folder would be served, and for good if the copying process dies or the disk is full. A version number taken from the
clock is no help: two pushes within one second get the same number, and a clock that is set back gives a number below
the last one.

Here a version is copied to a hidden folder, forced to disk, and renamed. Whatever happens, it is absent or complete. A
rename works only within a file system, so the hidden folder `.limbeck` is inside the serving folder. It holds:

  lock          locked by the process that pushes; the kernel releases it when that process dies
  unfinished/   the copy
  withdrawn/    versions that a person took back
  <version>     an empty file for every number that was ever used, so that a deleted version's number is not reused

Paths must be on local, or locally mounted, file systems. For object stores, see `limbeck.components.pusher.remote`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from limbeck.digests.content import file_digest

_OWN = ".limbeck"
_UNFINISHED = "unfinished"
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def push(model: Path, serving: Path) -> Path:
    """Makes a model the newest version, unless it already is.

    Only one push at a time works in a folder, in this process and in all others.

    Args:
      model: folder of a SavedModel.
      serving: folder of the versions; made if it is missing.

    Returns:
      The version's folder: `serving/<version>`. The version is 1, or one above every number that was ever used or is in
      the folder.

    Raises:
      FileNotFoundError: if the model has no files.
      OSError: if the model cannot be copied, for example because the disk is full. No version has changed then.
    """
    wanted = _files_to_push(model)
    with alone(serving) as own:
        served = newest(serving)
        if served and _files(served) == wanted:
            return served
        _copy(model, own / _UNFINISHED)
        return _publish(own / _UNFINISHED, serving, own)


def next_version(names: Iterable[str]) -> int:
    """Returns 1, or one above the highest number among the names.

    `007` counts as 7, because TensorFlow Serving reads it so. Names that it does not read as numbers are ignored.
    """
    return 1 + max(filter(None, map(_version, names)), default=0)


def _version(name: str) -> int | None:
    return int(name) if re.fullmatch(r"[0-9]{1,18}", name) else None


def newest(serving: Path) -> Path | None:
    """Returns the version that a server loads: the folder with the highest number; None if there is none."""
    versions = numbers(serving)
    return versions[max(versions)] if versions else None


def numbers(serving: Path) -> dict[int, Path]:
    """Returns the folder of each version. An absent folder has none."""
    if not serving.is_dir():
        return {}
    return {
        number: path for path in serving.iterdir() if (number := _version(path.name)) is not None and path.is_dir()
    }


@contextlib.contextmanager
def alone(serving: Path) -> Iterator[Path]:
    """Locks the serving folder for this process, and removes what a killed process left. Yields `.limbeck`."""
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
        # The number is on disk before it is used, so that it cannot become free again after a power cut.
        _sync(own)
        try:
            copy.rename(serving / str(version))
        except OSError as error:
            # Another program that ignores the lock, such as TFX's own Pusher, has taken the number.
            if error.errno not in _TAKEN:
                raise
        else:
            _sync(serving)
            return serving / str(version)


def _copy(source: Path, destination: Path) -> None:
    """Copies a folder, and forces the copy to disk. Leaves permissions out: they might forbid to delete the copy."""
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
    """Returns the digest of every file in a folder, by its path in the folder."""
    paths = [Path(where, name) for where, _, names in os.walk(folder, followlinks=True) for name in names]
    return {path.relative_to(folder): file_digest(path) for path in paths if path.is_file()}


def _files_to_push(model: Path) -> dict[Path, str]:
    files = _files(model)
    if not files:
        raise FileNotFoundError(errno.ENOENT, "a model to push must have files, and there are none in", str(model))
    return files
