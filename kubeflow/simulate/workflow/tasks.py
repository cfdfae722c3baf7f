"""The Argo tasks of one task: its driver, and the task that follows the driver's decision."""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.values import stable_json
from limbeck.kubeflow.simulate.workflow import templates
from limbeck.kubeflow.simulate.workflow.compilation import Compilation
from limbeck.kubeflow.simulate.workflow.dependencies import depends, is_exit_task
from limbeck.kubeflow.simulate.workflow.executors import executor_template
from limbeck.kubeflow.simulate.workflow.placeholders import given, output_of

ArgoTask = dict[str, Any]
# Images that represent an operation of the driver. No pod is started for them.
DRIVER_OPERATIONS = ("argostub/createpvc", "argostub/deletepvc")


@dataclasses.dataclass(frozen=True)
class Place:
    """The place of a task in the workflow.

    Attributes:
      name: name of the Argo task.
      key: key of the task.
      hook: template to run when it has ended.
      iteration: inside a loop, a reference to the index of the iteration.
    """

    name: str
    key: str
    hook: str = ""
    iteration: str = ""

    def waits(self, task: dict[str, Any]) -> dict[str, str]:
        """Returns what its driver waits for: nothing inside a loop or a hook."""
        return {} if self.iteration or is_exit_task(task) else depends(task.get("dependentTasks", []))


def tasks_of(made: Compilation, task: dict[str, Any], place: Place) -> list[ArgoTask]:
    """Returns the Argo tasks. Raises RefusedError for a task that KFP does not run."""
    component = task["componentRef"]["name"]
    if not place.iteration and ("parameterIterator" in task or "artifactIterator" in task):
        return _loop(made, task, place.name)
    if "dag" in made.components[component]:
        return _dag(made, task, component, place)
    if "importer" in made.executor_of(component):
        return [_importer(made, task, component, place.name)]
    return _container(made, task, component, place)


def root_driver(made: Compilation, configuration: str) -> ArgoTask:
    """Returns the driver of the root, which gets the configuration of the run."""
    values = {
        "component": made.stored.reference("components", "root"),
        "runtime-config": configuration,
        "driver-type": "ROOT_DAG",
    }
    return _dag_driver(made, "root-driver", values)


def dag_task(name: str, template: str, parent: str, condition: str) -> ArgoTask:
    """Returns the task of a DAG, whose driver has made an execution."""
    return _task(name, template, {"parent-dag-id": parent, "condition": condition})


def _dag(made: Compilation, task: dict[str, Any], component: str, place: Place) -> list[ArgoTask]:
    driver = _dag_driver(made, f"{place.name}-driver", _driver_values(made, task, component, place))
    driver |= place.waits(task)
    condition = output_of(driver["name"], "condition")
    whole = dag_task(place.name, component, output_of(driver["name"], "execution-id"), condition)
    return [driver, whole | depends([driver["name"]]) | _hooks(place.hook) | _when(task, condition)]


def _driver_values(made: Compilation, task: dict[str, Any], component: str, place: Place) -> dict[str, str]:
    return {
        "component": made.stored.reference("components", component),
        **({"iteration-index": place.iteration} if place.iteration else {}),
        "parent-dag-id": given("parent-dag-id"),
        "task": stable_json(task),
        "task-name": place.key,
    }


def _dag_driver(made: Compilation, name: str, values: dict[str, str]) -> ArgoTask:
    made.once(templates.dag_driver(made.pipeline, made.run, made.name))
    return _task(name, "system-dag-driver", values)


def _container(made: Compilation, task: dict[str, Any], component: str, place: Place) -> list[ArgoTask]:
    made.once(templates.container_driver(made.pipeline, made.run, made.name))
    values = {
        "component": made.stored.reference("components", component),
        "task": stable_json(task),
        "container": made.stored.reference("implementations", component),
        "task-name": place.key,
        "parent-dag-id": given("parent-dag-id"),
        **({"iteration-index": place.iteration} if place.iteration else {}),
    }
    platform = made.stored.reference("kubernetes", component)
    if platform:
        values["kubernetes-config"] = platform
    driver = _task(f"{place.name}-driver", "system-container-driver", values) | place.waits(task)
    if made.executor_of(component)["container"].get("image") in DRIVER_OPERATIONS:
        return [driver | {"name": place.name}]
    template, arguments = executor_template(made, task, component, place.name)
    parameters = [
        {"name": "pod-spec-patch", "value": output_of(driver["name"], "pod-spec-patch")},
        {"name": "cached-decision", "default": "false", "value": output_of(driver["name"], "cached-decision")},
        *arguments,
    ]
    executor = {"name": place.name, "template": template, "arguments": {"parameters": parameters}}
    executor |= (
        depends([driver["name"]]) | _hooks(place.hook) | _when(task, output_of(driver["name"], "condition"))
    )
    return [driver, executor]


def _importer(made: Compilation, task: dict[str, Any], component: str, name: str) -> ArgoTask:
    if task.get("triggerPolicy", {}).get("condition"):
        raise RefusedError("run", f"task {name} is an importer with a condition, which KFP does not support")
    workspace = made.executor_of(component)["importer"].get("downloadToWorkspace", False)
    template = templates.importer(made.pipeline, made.run, workspace=workspace)
    made.once(template)
    # An importer waits for no task: it starts with the DAG, even if its task has dependencies.
    values = {
        "task": stable_json(task),
        "component": made.stored.reference("components", component),
        "importer": made.stored.reference("implementations", component),
        "parent-dag-id": given("parent-dag-id"),
    }
    return _task(name, template["name"], values)


def _loop(made: Compilation, task: dict[str, Any], name: str) -> list[ArgoTask]:
    """Returns the tasks of a loop over a list: a driver that counts the items, and a sequence of its DAG."""
    if "artifactIterator" in task:
        raise RefusedError("run", f"task {name} is a loop over artifacts, which KFP does not run")
    component = task["componentRef"]["name"]
    driver = _dag_driver(
        made, "iteration-driver", _driver_values(made, task, component, Place("iteration-driver", name))
    )
    item = tasks_of(made, task, Place("iteration-item", name, iteration=given("iteration-index")))
    made.add(templates.dag(f"{component}-iteration", ("parent-dag-id", "iteration-index"), item))
    values = {"parent-dag-id": output_of(driver["name"], "execution-id"), "iteration-index": "{{item}}"}
    iterations = _task("iteration-iterations", f"{component}-iteration", values)
    iterations["withSequence"] = {"count": output_of(driver["name"], "iteration-count")}
    iterations |= depends([driver["name"]]) | _when(task, output_of(driver["name"], "condition"))
    whole = f"{component}-{name}-iterator"
    limit = task.get("iteratorPolicy", {}).get("parallelismLimit", 0)
    made.add(templates.dag(whole, ("parent-dag-id",), [driver, iterations], parallelism=limit))
    outer = _task(name, whole, {"parent-dag-id": given("parent-dag-id")})
    return [outer | depends(task.get("dependentTasks", []))]


def _task(name: str, template: str, values: dict[str, str]) -> ArgoTask:
    parameters = [{"name": each, "value": value} for each, value in values.items()]
    return {"name": name, "template": template, "arguments": {"parameters": parameters}}


def _hooks(template: str) -> dict[str, Any]:
    if not template:
        return {}
    parameters = [{"name": "parent-dag-id", "value": given("parent-dag-id")}]
    return {"hooks": {"exit": {"template": template, "arguments": {"parameters": parameters}}}}


def _when(task: dict[str, Any], condition: str) -> dict[str, str]:
    return {"when": f"{condition} != false"} if task.get("triggerPolicy", {}).get("condition") else {}
