"""A task that runs once for each item of a list: a driver that counts the items, and a sequence of its DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubeflow.simulate.refusals import RefusedError
from kubeflow.simulate.workflow import templates
from kubeflow.simulate.workflow.dependencies import depends
from kubeflow.simulate.workflow.placeholders import given, output_of

if TYPE_CHECKING:
    from kubeflow.simulate.workflow.compiler import Compiler


def loop(compiler: Compiler, name: str, task: dict[str, Any]) -> list[dict[str, Any]]:
    """The Argo task of a loop; raises RefusedError for a loop over artifacts."""
    if "artifactIterator" in task:
        raise RefusedError("run", f"task {name} is a loop over artifacts, which KFP does not run")
    component = task["componentRef"]["name"]
    driver = compiler.dag_driver("iteration-driver", task, component, name)
    item = compiler.task("iteration-item", task, iteration=given("iteration-index"), key=name)
    compiler.add(templates.dag(f"{component}-iteration", ("parent-dag-id", "iteration-index"), item))
    parameters = {"parent-dag-id": output_of("iteration-driver", "execution-id"), "iteration-index": "{{item}}"}
    iterations: dict[str, Any] = {
        "name": "iteration-iterations",
        "template": f"{component}-iteration",
        "arguments": {"parameters": [{"name": each, "value": value} for each, value in parameters.items()]},
        "withSequence": {"count": output_of("iteration-driver", "iteration-count")},
    }
    iterations |= depends(["iteration-driver"])
    if task.get("triggerPolicy", {}).get("condition"):
        iterations["when"] = f"{output_of('iteration-driver', 'condition')} != false"
    whole = f"{component}-{name}-iterator"
    limit = task.get("iteratorPolicy", {}).get("parallelismLimit", 0)
    compiler.add(templates.dag(whole, ("parent-dag-id",), [driver, iterations], parallelism=limit))
    arguments = {"parameters": [{"name": "parent-dag-id", "value": given("parent-dag-id")}]}
    outer: dict[str, Any] = {"name": name, "template": whole, "arguments": arguments}
    return [outer | depends(task.get("dependentTasks", []))]
