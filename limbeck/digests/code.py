"""A digest of the source code that a component runs. With it, the cache sees an edit of the code.

TFX's local cache key covers a component's inputs and execution properties, but no code: an edited student would come
back from the cache untrained. People forget to raise a version number, and a hash of whole files would train the
teacher again whenever the student is edited. So an execution property of every component is a digest of just the
definitions that its code depends on. A task has one digest for each of its parts.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

from pydantic.dataclasses import dataclass

from limbeck.digests.dependencies import INSTALLED, WHOLE, Node, Project
from limbeck.records import STRICT
from limbeck.reference import TaskRef
from limbeck.task import PARTS, Task

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))


@dataclass(frozen=True, config=STRICT)
class TaskDigests:
    """One digest for each part of a task. `limbeck.task.PARTS` says what belongs to which part."""

    data: str
    preprocessing: str
    teacher: str
    student: str


def code_digest(roots: Iterable[str], search_path: Iterable[str] = (), project: Project | None = None) -> str:
    """Returns the digest of all definitions that the definitions `roots` depend on, and of `roots` themselves.

    Args:
      roots: `module:qualified_name`, or `module` for the whole module.
      search_path: folders to import modules from, besides the project's own.
      project: the sources, to compute several digests from one state of them. It has its own search path.

    Returns:
      64 hexadecimal digits. They do not change with comments, docstrings, formatting, the order of functions and
      classes, or the folder that holds the sources.

    Raises:
      TaskError: if a root does not exist, or a file that it depends on is not Python.
    """
    texts = sorted(set(roots))
    project = project or Project(search_path)
    return _hash(project, project.roots(texts), texts)


def dependencies(roots: Iterable[str], search_path: Iterable[str] = ()) -> list[str]:
    """Returns the sorted names of the definitions that `code_digest` covers.

    They explain why something was trained again. Args and errors are those of `code_digest`. `module:<module>` stands
    for the statements that belong to every definition of their module, such as calls and `if` blocks.
    """
    project = Project(search_path)
    nodes = project.dependencies(project.roots(roots))
    return sorted(str(node) for node in nodes if node.name != INSTALLED)


def task_digests(task: Task, ref: TaskRef) -> TaskDigests:
    """Returns the digests of the parts of a task that was just loaded from `ref`.

    Functions count by the source that they depend on. Values bound to them (`functools.partial`, closures) and plain
    data, such as features, count by their value.

    Raises:
      TaskError: if a file that the task depends on is not Python.
    """
    project = Project([*_import_folders(ref)])
    digests = {}
    for part, fields in PARTS.items():
        description = _Description(project, ref.module)
        texts = [f"{field}={description.of(getattr(task, field))}" for field in fields]
        digests[part] = _hash(project, description.roots, texts)
    return TaskDigests(**digests)


def _hash(project: Project, roots: set[Node], texts: list[str]) -> str:
    nodes = sorted(project.dependencies(roots).items())
    content = [texts, sorted(map(str, roots)), [[str(node), *lines] for node, lines in nodes]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _import_folders(ref: TaskRef) -> list[str]:
    """Returns the folders that the task's own modules are imported from."""
    if ref.search_path is not None:
        return [ref.search_path]
    file = getattr(sys.modules.get(ref.module), "__file__", None)
    if file is None:
        return []
    depth = ref.module.count(".") + (Path(file).name == "__init__.py")
    return [str(Path(file).absolute().parents[depth])]


class _Description:
    """Describes live values as text that is the same in every process. `roots` collects where their code is."""

    def __init__(self, project: Project, fallback: str) -> None:
        self.roots: set[Node] = set()
        self._project = project
        self._fallback = fallback
        self._within: list[int] = []

    def of(self, value: Any) -> str:
        if type(value) in _PLAIN:
            return repr(value)
        if id(value) in self._within:
            return f"again {len(self._within) - self._within.index(id(value))}"
        self._within.append(id(value))
        try:
            return self._compound(value)
        finally:
            self._within.pop()

    def _compound(self, value: Any) -> str:
        kind = type(value)
        if kind in (tuple, list, set, frozenset, dict, MappingProxyType):
            return self._container(value)
        if isinstance(value, functools.partial):
            bound = (value.func, value.args, sorted(value.keywords.items()))
            return f"partial{[self.of(part) for part in bound]}"
        if kind is FunctionType:
            return self._function(value)
        if isinstance(value, type) or (kind is BuiltinFunctionType and value.__module__):
            return self._code(value.__module__, value.__qualname__)
        return self._object(value)

    def _container(self, value: Any) -> str:
        if isinstance(value, set | frozenset):
            return f"set{sorted(self.of(item) for item in value)}"
        items = value.items() if isinstance(value, dict | MappingProxyType) else value
        return f"{type(value).__name__}{[self.of(item) for item in items]}"

    def _function(self, function: FunctionType) -> str:
        texts = [self._code(function.__module__, function.__qualname__)]
        cells = function.__closure__ or ()
        if "<" in function.__qualname__:
            texts.append(self.of((function.__defaults__, function.__kwdefaults__)))
        if hasattr(function, "__wrapped__"):
            # `functools.wraps` gave it the name of another function, so its code is found by its line.
            module = self._project.find(function.__globals__["__name__"])
            name = module.enclosing(function.__code__.co_firstlineno) if module else None
            texts += [self._code(function.__globals__["__name__"], name or ""), self.of(function.__wrapped__)]
        return f"function{[*texts, *(self._cell(cell) for cell in cells)]}"

    def _cell(self, cell: Any) -> str:
        try:
            return self.of(cell.cell_contents)
        except ValueError:
            return "empty"

    def _object(self, value: Any) -> str:
        """Describes an instance of a project's class by its state. The state of any other instance is not known."""
        if isinstance(value, ModuleType):
            return self._code(value.__name__, "")
        kind = type(value)
        code = self.of(kind)
        if isinstance(value, MethodType):
            return f"{self.of(value.__func__)} of {self.of(value.__self__)}"
        if hasattr(value, "__wrapped__"):
            return f"{code} of {self.of(value.__wrapped__)}"
        if isinstance(value, enum.Enum):
            return f"{code} {value.name}"
        if self._project.find(kind.__module__) is not None and hasattr(value, "__dict__"):
            return f"{code} {self.of(sorted(vars(value).items()))}"
        self.roots.add(Node(self._fallback, WHOLE))
        return code

    def _code(self, module: str, qualified: str) -> str:
        """Adds the outermost definition of `qualified` to the roots, or the whole module if it has no name there."""
        found, name = self._project.find(module), qualified.partition(".")[0]
        if found is not None:
            self.roots.add(Node(module, name if name in found.bindings else WHOLE))
        elif module == "__main__":
            self.roots.add(Node(self._fallback, WHOLE))
        else:
            self.roots.add(Node(module.partition(".")[0], INSTALLED))
        return f"{module}:{qualified}"
