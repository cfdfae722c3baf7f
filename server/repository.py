"""The names under which KServe finds the student.

KServe does not support versions of a model. Here `student` is the newest version and `student@3` is version 3, and a
path with `/versions/3` is rewritten to a path with `@3`. The compressed file is `student-compressed`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from kserve import ModelRepository

from limbeck.server import versions
from limbeck.server.protocols import StudentModel
from limbeck.server.student import Served

_VERSION = re.compile(r"(/v[12]/models/[^/:@]+)/versions/([0-9]{1,18})(?=$|[:/])")
_Scope = MutableMapping[str, Any]
_Application = Callable[[_Scope, Any, Any], Awaitable[None]]


class Students(ModelRepository):
    """The student, its compressed file, and their versions."""

    def __init__(self, name: str, served: Served) -> None:
        """Takes the name of the student, and what is served."""
        super().__init__()
        self._name, self._served = name, served
        self._made: dict[tuple[str, int | None], StudentModel] = {}

    def get_model(self, name: str) -> Any:
        """Returns the model of a name; None if there is none."""
        base, _, text = name.partition("@")
        compressed = base == f"{self._name}-compressed"
        number = versions.whole_number(text)
        if (not compressed and base != self._name) or (text and number is None):
            return None
        try:
            version = self._served.version(number)
        except KeyError:
            return None
        if compressed and version.compressed is None:
            return None
        if (base, number) not in self._made:
            self._made[base, number] = StudentModel(name, self._served, number, compressed=compressed)
        return self._made[base, number]

    def get_models(self) -> dict[str, Any]:
        """Returns the models without a version in their name."""
        found = {name: self.get_model(name) for name in (self._name, f"{self._name}-compressed")}
        return {name: model for name, model in found.items() if model is not None}

    def unload(self, name: str) -> None:
        """Does nothing, because the folder decides what is served."""


class VersionPaths:
    """ASGI middleware: turns `/versions/3` in a path into the name that KServe looks for."""

    def __init__(self, app: _Application) -> None:
        """Takes the application."""
        self._app = app

    async def __call__(self, scope: _Scope, receive: Any, send: Any) -> None:
        """Passes a request on."""
        if scope["type"] == "http":
            path = _VERSION.sub(r"\1@\2", scope["path"])
            scope = dict(scope) | {"path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)
