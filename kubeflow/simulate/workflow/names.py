"""Finds names that Argo would refuse when a run is created, with messages that do not name the cause."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError

_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
_PARAMETER = re.compile(r"[-a-zA-Z0-9_]+")
_OBJECT = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LENGTH = 128
_DRIVER = "-driver"


def check(pipeline: str, templates: dict[str, Any], parameters: Iterable[str]) -> None:
    """Checks every name of a workflow. Raises RefusedError for the first name that Argo would refuse."""
    if not _OBJECT.fullmatch(pipeline.rsplit("/", 1)[-1]):
        raise RefusedError(
            "run",
            f"the pipeline is called {pipeline!r}: the workflow is named after it, and Kubernetes takes small "
            "letters, digits, '-' and '.' only",
        )
    for name in parameters:
        if not _PARAMETER.fullmatch(name):
            component = name.split("-", 1)[1]
            raise RefusedError(
                "run", f"component {component!r}: Argo takes letters, digits, '-' and '_' in its name"
            )
    for name, template in templates.items():
        _one(name, f"the component {name!r}, whose tasks are one template,")
        tasks = template.get("dag", {}).get("tasks", [])
        known = {task["name"] for task in tasks}
        uses_depends = any("depends" in task for task in tasks)
        for task in tasks:
            key = task["name"].removesuffix(_DRIVER)
            _one(task["name"], f"the task key {key!r}")
            if uses_depends and task["name"][0].isdigit():
                raise RefusedError("run", f"the task key {key!r} begins with a digit, which Argo refuses")
            for dependency in dependencies(task):
                if dependency not in known:
                    raise RefusedError("run", f"task {key!r} depends on {dependency!r}, which is not there")
        _circle(name, tasks)


def dependencies(task: dict[str, Any]) -> list[str]:
    """Returns the tasks that an Argo task waits for."""
    return [each.removesuffix(".Succeeded") for each in task.get("depends", "").split(" && ") if each]


def _one(name: str, what: str) -> None:
    if not _NAME.fullmatch(name):
        raise RefusedError(
            "run", f"{what} holds a character that Argo refuses: only letters, digits and '-', the first no '-'"
        )
    if len(name) > _LENGTH:
        raise RefusedError(
            "run",
            f"{what} has {len(name)} characters with what KFP adds; Argo takes {_LENGTH}: "
            f"a task key may have {_LENGTH - len(_DRIVER)}",
        )


def _circle(name: str, tasks: list[Any]) -> None:
    left = {task["name"]: set(dependencies(task)) for task in tasks}
    while left:
        free = [task for task, before in left.items() if not before & left.keys()]
        if not free:
            raise RefusedError("run", f"tasks of {name} wait for each other in a circle: {', '.join(left)}")
        for task in free:
            del left[task]
