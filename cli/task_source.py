"""Finds mistakes in the source of a task without importing the task.

Importing a task imports TensorFlow. A user who forgot the data, or a bracket, should not wait for that. So the source
is parsed. If the answer is not clear from the source, no error is raised here, and the run itself checks it.
"""

from __future__ import annotations

import ast
import traceback
import warnings

from limbeck.errors import ConfigError, TaskError
from limbeck.reference import TaskRef


def assert_data(ref: TaskRef, path: str | None) -> None:
    """Raises ConfigError if there are clearly no data: neither `data.path` nor a `write_data` of the task.

    Args:
      ref: the task.
      path: `data.path`.
    """
    if path is None and _lacks(ref, "write_data"):
        raise ConfigError(f"task '{ref.module}' has no data of its own: give --set data.path=FOLDER")


def assert_python(ref: TaskRef) -> None:
    """Raises the same TaskError as `TaskRef.load` if the file of the task's module is not valid Python."""
    file = ref.file()
    if file is None or file.suffix != ".py":
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    except OSError:
        return
    except (SyntaxError, ValueError) as error:
        told = "".join(traceback.format_exception_only(error)).rstrip()
        raise TaskError(f"task module '{ref.module}' cannot be imported:\n{told}") from None


def _lacks(ref: TaskRef, argument: str) -> bool:
    """Returns whether the module makes the task by one plain call of `Task` without this argument."""
    file = ref.file()
    try:
        tree = ast.parse(file.read_bytes()) if file is not None else None
    except (OSError, SyntaxError, ValueError):
        return False
    values = [
        node.value
        for node in getattr(tree, "body", [])
        if isinstance(node, ast.Assign | ast.AnnAssign) and ref.attribute in _names(node)
    ]
    if len(values) != 1 or not isinstance(values[0], ast.Call):
        return False
    call = values[0]
    plain = isinstance(call.func, ast.Name | ast.Attribute) and ast.unparse(call.func).rpartition(".")[2] == "Task"
    # `**` is an argument with the name `None`.
    given = {keyword.arg for keyword in call.keywords}
    return plain and not call.args and not given & {argument, None}


def _names(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}
