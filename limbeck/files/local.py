"""Files of this machine, without TensorFlow. A file is written under another name, and then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from limbeck.files.filesystem import UNFINISHED, Visibility


class LocalFileSystem:
    """Implements `limbeck.files.filesystem.FileSystem`."""

    visibility = Visibility.MACHINE
    opened_by_tensorflow = True

    def open_to_read(self, path: str) -> BinaryIO:
        return Path(path).open("rb")

    @contextlib.contextmanager
    def open_to_write(self, path: str) -> Iterator[BinaryIO]:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f"{UNFINISHED}{os.getpid()}-{threading.get_ident()}-{target.name}")
        try:
            with unfinished.open("wb") as file:
                yield file
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def exists(self, path: str) -> bool:
        return Path(path).exists()

    def is_folder(self, path: str) -> bool:
        return Path(path).is_dir()

    def size(self, path: str) -> int:
        return Path(path).stat().st_size

    def modified(self, path: str) -> int:
        return Path(path).stat().st_mtime_ns

    def names(self, folder: str) -> Iterable[str]:
        return [path.name for path in Path(folder).iterdir()]

    def walk(self, folder: str) -> Iterable[str]:
        found = (Path(where, name) for where, _, names in os.walk(folder, followlinks=True) for name in names)
        return [path.relative_to(folder).as_posix() for path in found]

    def make_folder(self, folder: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)

    def remove(self, path: str) -> None:
        Path(path).unlink()

    def remove_folder(self, folder: str) -> None:
        shutil.rmtree(folder)

    def rename(self, source: str, target: str) -> None:
        Path(source).replace(target)
