"""A bucket as a folder of this machine, with an object store's semantics.

An object store has keys and no folders: an empty folder cannot be stored, a listing is by prefix, `a` and `a/b` can
both be objects, and so can `a/`, the marker of a folder. A file system cannot represent this. So an object whose key is
a prefix of other keys is stored in the folder under a special name, and a marker is stored in the same way.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_SELF, _MARKER = "%self", "%marker"


class Bucket:
    """Objects below a folder; keys are separated by `/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, source: Path) -> None:
        """Stores a file's content, following links."""
        place = self._place(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)

    def put_text(self, key: str, text: str) -> None:
        """Stores a text."""
        place = self._place(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def get(self, key: str, target: Path) -> None:
        """Copies an object to a file. Raises OSError if the file cannot be written."""
        shutil.copyfile(self._stored(key), target)

    def read(self, key: str) -> bytes | None:
        """Returns the content of an object; None if it does not exist."""
        place = self._stored(key)
        return place.read_bytes() if place.is_file() else None

    def delete(self, key: str) -> bool:
        """Removes an object, and folders that are empty afterwards. Returns whether the object existed."""
        place = self._stored(key)
        if not place.is_file():
            return False
        place.unlink()
        for above in place.parents:
            if above == self._folder or any(above.iterdir()):
                break
            above.rmdir()
        return True

    def keys(self, prefix: str = "") -> list[str]:
        """Returns all keys that begin with a prefix, sorted as an object store sorts them."""
        return sorted((key for key, _ in self._walk() if key.startswith(prefix)), key=str.encode)

    def sizes(self) -> dict[str, int]:
        """Returns the size of each object in bytes, by key."""
        return {key: path.stat().st_size for key, path in sorted(self._walk())}

    def _walk(self) -> Iterator[tuple[str, Path]]:
        for folder, _, files in os.walk(self._folder):
            for name in files:
                path = Path(folder, name)
                above = Path(folder).relative_to(self._folder).as_posix()
                if name == _SELF:
                    yield above, path
                elif name == _MARKER:
                    yield f"{above}/", path
                else:
                    yield name if above == "." else f"{above}/{name}", path

    def _stored(self, key: str) -> Path:
        place = self._folder / key.rstrip("/")
        if key.endswith("/"):
            return place / _MARKER
        return place / _SELF if place.is_dir() else place

    def _place(self, key: str) -> Path:
        """Returns the file of an object. Moves objects whose keys are prefixes of its key out of the way."""
        above = self._folder
        for part in Path(key.rstrip("/")).parts[:-1]:
            above /= part
            _make_room(above)
        place = above / Path(key.rstrip("/")).name
        if key.endswith("/"):
            _make_room(place)
            return place / _MARKER
        return place / _SELF if place.is_dir() else place


def _make_room(path: Path) -> None:
    if path.is_file():
        content = path.read_bytes()
        path.unlink()
        path.mkdir()
        (path / _SELF).write_bytes(content)
