"""Lets cloudpickle search the imported modules once for each package.

Beam pickles the functions of each step with cloudpickle. For each function and each package that it uses, cloudpickle
goes through all imported modules, and looks for submodules of the package. With TFX there are 5,000 modules, and in
StatisticsGen this took a fifth of the time. So the submodules of a package are kept until another module is imported.
"""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Returns a context in which cloudpickle caches which submodules a package has."""
    from cloudpickle import cloudpickle_fast

    stock, index = cloudpickle_fast._find_imported_submodules, _Index()
    cloudpickle_fast._find_imported_submodules = index.used
    try:
        yield
    finally:
        cloudpickle_fast._find_imported_submodules = stock


class _Index:
    """The imported submodules of each package that was asked for."""

    def __init__(self) -> None:
        self._imported: tuple[int, str] | None = None
        self._submodules: dict[str, list[tuple[str, frozenset[str]]]] = {}

    def used(self, code: types.CodeType, values: Iterable[Any]) -> list[types.ModuleType]:
        """Returns the submodules of packages that a function can reach by the names in its code.

        Args:
          code: of the function.
          values: its globals and the contents of its closure; those that are packages count.
        """
        names = set(code.co_names)
        packages = [
            one for one in values if isinstance(one, types.ModuleType) and getattr(one, "__package__", None)
        ]
        return [
            sys.modules[name]
            for package in packages
            for name, parts in self._of(f"{package.__name__}.")
            if parts <= names and name in sys.modules
        ]

    def _of(self, prefix: str) -> list[tuple[str, frozenset[str]]]:
        # Modules stand in the order of their imports. So a new one changes the last name.
        now = (len(sys.modules), next(reversed(sys.modules)))
        if now != self._imported:
            self._imported, self._submodules = now, {}
        if prefix not in self._submodules:
            self._submodules[prefix] = [
                (name, frozenset(name[len(prefix) :].split(".")))
                for name in list(sys.modules)
                if name is not None and name.startswith(prefix)
            ]
        return self._submodules[prefix]
