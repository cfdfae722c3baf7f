"""The dependencies of tasks: those that a task declares, and the producers of its inputs."""

from __future__ import annotations

from typing import Any

from limbeck.errors import nearest
from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.versions import Rules

COMPLETED = "ALL_UPSTREAM_TASKS_COMPLETED"


def add_implicit(name: str, tasks: dict[str, Any], rules: Rules) -> None:
    """Adds the producers of each task's inputs to its dependencies. Raises RefusedError if one does not exist."""
    for key, task in tasks.items():
        inputs = task.get("inputs", {})
        for parameter in inputs.get("parameters", {}).values():
            if "taskFinalStatus" in parameter and not rules.final_status:
                raise RefusedError(
                    "run",
                    f"task {key} of {name} asks for the final status of a task, which KFP {rules.version} cannot tell",
                )
            _add(name, key, task, parameter.get("taskOutputParameter"), tasks)
        for artifact in inputs.get("artifacts", {}).values():
            _add(name, key, task, artifact.get("taskOutputArtifact"), tasks)


def is_exit_task(task: dict[str, Any]) -> bool:
    """Returns whether a task runs after others have ended, even if they failed."""
    return bool(task.get("triggerPolicy", {}).get("strategy") == COMPLETED)


def depends(names: list[str]) -> dict[str, str]:
    """Returns Argo's expression for a task that needs all of these tasks to succeed."""
    return {"depends": " && ".join(f"{name}.Succeeded" for name in names)} if names else {}


def _add(
    name: str, key: str, task: dict[str, Any], reference: dict[str, Any] | None, tasks: dict[str, Any]
) -> None:
    if reference is None:
        return
    producer = reference.get("producerTask", "")
    if producer not in tasks:
        raise RefusedError(
            "run",
            f"task {key} of {name} takes an output of task {producer!r}, which is not there."
            f"{nearest(producer, tasks)}",
        )
    if producer not in task.get("dependentTasks", []):
        task.setdefault("dependentTasks", []).append(producer)
