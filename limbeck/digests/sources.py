"""Finds the source files of modules, without importing them.

Python's own finder answers for one path, and runs the `__init__.py` of a package to find what is in it. Here modules
are found as files: below the project's root, in the folders of a task, on PYTHONPATH, or in an editable installation.
Installed packages are not followed: only their versions count. Limbeck itself is always followed, because an installed
Limbeck may change without a change of its version.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from limbeck.digests.module import Module, parse

ROOT = Path(__file__).parents[2]
_PACKAGE = Path(__file__).parents[1]


class Sources:
    """The source files of the project, of a task and of its helpers. Each file is read when it is first needed.

    Helpers are modules on Python's path that are not installed packages: they are on PYTHONPATH, or installed as
    editable.

    Args:
      search_path: folders to import modules from, before the project's root.
    """

    def __init__(self, search_path: Iterable[str] = ()) -> None:
        helpers = (Path(folder).absolute() for folder in sys.path)
        self._folders = list(dict.fromkeys([*map(Path, search_path), ROOT, *helpers]))
        self._modules: dict[str, Module | None] = {}
        self._places: dict[str, Path | None] = {}

    def find(self, name: str) -> Module | None:
        """Returns the project's module with this dotted name; None if the project has none.

        Raises:
          TaskError: if its file is not Python.
        """
        if name not in self._modules:
            place = self.place(name)
            self._modules[name] = None if place is None else _read(name, place)
        return self._modules[name]

    def place(self, name: str) -> Path | None:
        """Returns the file of a module, or the folder of a package without an `__init__.py`."""
        if name not in self._places:
            parent, _, last = name.rpartition(".")
            above = self.place(parent) if parent else None
            folders = [above.parent if above.name == "__init__.py" else above] if above else self._folders
            place = _locate(folders if above or not parent else [], last, top=not parent)
            self._places[name] = place if place or parent else _editable(name)
        return self._places[name]


def is_ours(place: Path) -> bool:
    """Returns whether a file is part of Limbeck itself, which reads no task's data. Files of built-in tasks are not."""
    return place.is_relative_to(ROOT) and not place.is_relative_to(ROOT / "limbeck" / "tasks") and place != ROOT


def module_folder(place: Path | None) -> Path:
    """Returns the folder that the source of a module lies in; the working directory if it has no source."""
    return place.parent if place is not None and place.is_file() else place or Path()


def version_of(package: str) -> str:
    """Returns a package with the versions of its distributions; only its name if there are none."""
    return " ".join([package, *(() if package in sys.stdlib_module_names else _distributions(package))])


def _editable(name: str) -> Path | None:
    """Returns the source of a package that is installed as editable, and so lies outside of the installed packages."""
    if name in sys.stdlib_module_names or name in sys.builtin_module_names:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    origin = Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
    return origin if origin is not None and origin.suffix == ".py" and not _is_installed(origin.parent) else None


def _locate(folders: Iterable[Path], name: str, top: bool) -> Path | None:
    places = [folder / name for folder in folders if name.isidentifier() and _is_followed(folder / name)]
    for place in places:
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                return file
    known = top and (name in sys.stdlib_module_names or _distributions(name))
    return None if known else next((place for place in places if place.is_dir()), None)


def _read(name: str, place: Path) -> Module:
    source = b"" if place.is_dir() else place.read_bytes()
    return parse(source, name, place.name == "__init__.py", str(place))


def _is_followed(place: Path) -> bool:
    """Returns whether a module or package at this place is followed, if there is one."""
    return place.is_relative_to(_PACKAGE) or not _is_installed(place.parent)


@functools.cache
def _is_installed(folder: Path) -> bool:
    library = Path(sysconfig.get_path("stdlib"))
    return not {"site-packages", "dist-packages"}.isdisjoint(folder.parts) or folder.is_relative_to(library)


@functools.cache
def _distributions(package: str) -> tuple[str, ...]:
    """Returns `name==version` of each installed distribution that holds a top-level package."""
    names = _listed().get(package) or [
        distribution.metadata["Name"]
        for distribution in metadata.distributions()
        if f"\n{package}/__init__.py," in f"\n{distribution.read_text('RECORD')}"
    ]
    return tuple(sorted(f"{name}=={metadata.version(name)}" for name in set(names)))


@functools.cache
def _listed() -> Mapping[str, list[str]]:
    """Returns distributions by top-level package, for distributions that list their packages. Not all do."""
    return metadata.packages_distributions()
