"""Task references: how a process finds a task that it knows only by name.

A live Python object cannot cross to a worker process or a container. A pickle can, but it ties both sides to one
version of the code. So a task crosses as a `TaskRef`, which says where to import the task from.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.machinery
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from pydantic.dataclasses import dataclass

from limbeck.errors import TaskError, UserError, nearest
from limbeck.records import STRICT
from limbeck.task import Task

# The variable with the folder of a user's task, for a process that knows only the module's name.
ENVIRONMENT = "LIMBECK_TASK_FOLDER"
TASKS = Path(__file__).parent / "tasks"


@dataclass(frozen=True, config=STRICT)
class TaskRef:
    """Where a task can be imported from, in any process.

    Attributes:
      module: dotted name of the module that holds the task.
      attribute: name of the task in that module.
      search_path: folder that `module` is imported from; null if Python's own path finds the module.
    """

    module: str
    attribute: str = "TASK"
    search_path: str | None = None

    def load(self) -> Task:
        """Imports the task.

        Raises:
          TaskError: if the module cannot be found or fails, or if the attribute is not a `Task`.
        """
        if self.search_path is not None:
            if self.search_path not in sys.path:
                # At the end of the path: a module of the user's must not hide one that TensorFlow, TFX or we import.
                sys.path.append(self.search_path)
            self._assert_helpers_found(Path(self.search_path))
        try:
            module = importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise TaskError(f"task module '{self.module}' cannot be imported: {error}") from error
        except UserError:
            raise
        except (Exception, SystemExit) as error:
            where = (
                traceback.format_exception_only(error) if isinstance(error, SyntaxError) else _last_frame(error)
            )
            raise TaskError(
                f"task module '{self.module}' cannot be imported:\n{''.join(where).rstrip()}"
            ) from error
        self._assert_own(module)
        task = getattr(module, self.attribute, None)
        if task is None:
            raise TaskError(
                f"task module '{self.module}' has no {self.attribute}: set {self.attribute} = Task(...) in it, or give "
                f"--task {self.module}:NAME for a task of another name"
            )
        if not isinstance(task, Task):
            raise TaskError(
                f"{self.module}:{self.attribute} must be a limbeck.task.Task, but is {type(task).__name__}"
            )
        return task

    def _assert_helpers_found(self, folder: Path) -> None:
        """Raises TaskError if another module hides one that the task imports from the user's folder."""
        for name in sorted(_imported_names(self._sources(folder))):
            own = [place for place in (folder / f"{name}.py", folder / name / "__init__.py") if place.is_file()]
            if not own:
                continue
            spec = importlib.machinery.PathFinder.find_spec(name)
            found = spec.origin if spec is not None else None
            if name in sys.stdlib_module_names or (found and not Path(found).is_relative_to(folder)):
                raise TaskError(
                    f"the task imports '{name}', and {own[0]} has the name of another module, "
                    f"{found or 'one of Python'}: rename it"
                )

    def _sources(self, folder: Path) -> list[Path]:
        place = folder.joinpath(*self.module.split("."))
        return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]

    def _assert_own(self, module: ModuleType) -> None:
        # A process holds one module for each name: the one that it imported first, from wherever.
        file = Path(module.__file__ or "")
        if self.search_path is not None and not file.is_relative_to(self.search_path):
            raise TaskError(
                f"task module '{self.module}' in {self.search_path} has the name of another module, {file}: "
                "rename it"
            )

    def file(self) -> Path | None:
        """Returns the file of the task's module, without importing it; None if there is no such module."""
        path = [self.search_path] if self.search_path else None
        name, _, rest = self.module.partition(".")
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        for part in rest.split(".") if rest else []:
            if spec is None or spec.submodule_search_locations is None:
                return None
            spec = importlib.machinery.PathFinder.find_spec(part, list(spec.submodule_search_locations))
        return Path(spec.origin) if spec and spec.origin else None

    def folder(self) -> Path | None:
        """Returns the folder of the task's module; None if there is no such module."""
        file = self.file()
        return file.parent if file else None


def _imported_names(files: Iterable[Path]) -> set[str]:
    """Returns the top-level names of the modules that source files import; ignores files that are not Python."""
    names: set[str] = set()
    for file in files:
        try:
            nodes = list(ast.walk(ast.parse(file.read_bytes())))
        except (OSError, SyntaxError, ValueError):
            continue
        names |= {alias.name.partition(".")[0] for n in nodes if isinstance(n, ast.Import) for alias in n.names}
        froms = (n for n in nodes if isinstance(n, ast.ImportFrom) and not n.level)
        names |= {n.module.partition(".")[0] for n in froms if n.module}
    return names


def portable(ref: TaskRef) -> TaskRef:
    """Returns the reference without its folder: a moved task is the same task, and nothing must run again for it."""
    return dataclasses.replace(ref, search_path=None)


def environment(ref: TaskRef) -> dict[str, str]:
    """Returns the environment variable that lets `located` find the task; empty if the task needs no folder."""
    return {} if ref.search_path is None else {ENVIRONMENT: ref.search_path}


def located(ref: TaskRef, variables: Mapping[str, str]) -> TaskRef:
    """Returns a portable reference with the folder that the environment of this process names."""
    return ref if ref.search_path is not None else dataclasses.replace(ref, search_path=variables.get(ENVIRONMENT))


def _last_frame(error: BaseException) -> list[str]:
    return [*traceback.format_tb(error.__traceback__)[-1:], *traceback.format_exception_only(error)]


def built_in() -> list[str]:
    """Returns the names of the tasks in `tasks/`."""
    return sorted(path.parent.name for path in TASKS.glob("*/config.yaml"))


def find(text: str) -> TaskRef:
    """Finds the task that the user typed. Imports nothing.

    Args:
      text: the name of a built-in task, a path to a .py file or to a package folder, or `module:attribute`.

    Raises:
      TaskError: if there is no such task.
    """
    if text in built_in():
        return TaskRef(module=f"limbeck.tasks.{text}")
    if text.endswith(".py") or "/" in text:
        return _find_path(Path(text))
    module, colon, attribute = text.partition(":")
    ref = TaskRef(module=module, attribute=attribute or "TASK")
    if colon and ref.folder() is not None:
        return ref
    raise TaskError(
        f"there is no task '{text}'.{nearest(text, built_in())} Built-in tasks: {', '.join(built_in())}. "
        "A task of your own is given as a path to its .py file or folder, or as module:attribute"
    )


def can_be_imported(name: str) -> bool:
    """Returns whether a task's module may have this name: an identifier that is no module of Python's own."""
    return name.isidentifier() and name not in sys.stdlib_module_names


def _find_path(path: Path) -> TaskRef:
    resolved = path.resolve()
    if not (resolved.is_file() or (resolved / "__init__.py").is_file()):
        raise TaskError(f"there is no task at {path}: expected a .py file, or a folder with an __init__.py")
    if not can_be_imported(resolved.stem):
        raise TaskError(f"{path} cannot be imported under the name '{resolved.stem}': rename it")
    return TaskRef(module=resolved.stem, search_path=str(resolved.parent))
