"""Lets TFX's own file functions find data in object stores that TensorFlow does not open.

TFX finds the newest span itself, with `tfx.dsl.io.fileio`, which passes `s3://` URIs to TensorFlow. This module
registers our storage there. It only has functions that read, because TFX uses such URIs for nothing else.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import re
from typing import Any, BinaryIO

from limbeck import files
from limbeck.files.filesystem import filesystem_of

_SCHEMES = ("s3://", "minio://")
# A smaller number takes precedence over TensorFlow's plugin, which claims s3:// as well.
_PRIORITY = 1
WILD = re.compile(r"[*?\[]")


@functools.cache
def file_functions() -> Any:
    """Returns `tfx.dsl.io.fileio`, which opens object stores from now on."""
    from tfx.dsl.io import fileio as tfx_fileio
    from tfx.dsl.io import filesystem, filesystem_registry

    class ObjectStores(filesystem.Filesystem):
        SUPPORTED_SCHEMES = _SCHEMES
        open = staticmethod(_open)
        exists = staticmethod(files.exists)
        glob = staticmethod(glob)
        isdir = staticmethod(files.is_folder)
        listdir = staticmethod(files.names)
        stat = staticmethod(_stat)

    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(ObjectStores, _PRIORITY)
    return tfx_fileio


def glob(pattern: str) -> list[str]:
    """Returns the files and folders that match a pattern such as `s3://bucket/a/*/b?.csv`.

    Wildcards (`*`, `?`, `[ab]`) stand within one name: no `*` matches a slash.
    """
    scheme, _, rest = pattern.partition("://")
    bucket, *parts = rest.rstrip("/").split("/")
    found = [f"{scheme}://{bucket}"]
    for number, part in enumerate(parts):
        if WILD.search(part):
            found = [f"{folder}/{name}" for folder in found for name in _matching(folder, part)]
        else:
            found = [f"{folder}/{part}" for folder in found]
            # The last part has no wildcard, so no listing has shown that the path exists.
            if number == len(parts) - 1:
                found = [path for path in found if files.exists(path)]
    return found


def _matching(folder: str, pattern: str) -> list[str]:
    return [name for name in files.names(folder) if fnmatch.fnmatchcase(name, pattern)]


@dataclasses.dataclass(frozen=True)
class _Stat:
    """Size and time of a file, under the names that TFX's `generate_fingerprint` looks for."""

    length: int
    mtime_nsec: int


def _stat(_path: str) -> _Stat:
    # The path may be a folder, which has neither size nor time. `ContentDriver` compares contents instead.
    return _Stat(0, 0)


def _open(path: str, mode: str = "r") -> BinaryIO:
    if mode != "rb":
        raise NotImplementedError(f"data in an object store can only be read, as bytes; received mode {mode!r}")
    filesystem, place = filesystem_of(path)
    # `limbeck.components.example_gen.files` counts what is read.
    return filesystem.open_to_read(place)
