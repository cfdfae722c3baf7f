"""Makes the Argo Workflow of a pipeline, as KFP does when a run is created.

The tasks of a DAG are one template; all containers share a few. Components are visited depth first, tasks by name.
"""

from __future__ import annotations

import copy
from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload.accepted import Accepted
from limbeck.kubeflow.simulate.values import stable_json
from limbeck.kubeflow.simulate.versions import Rules
from limbeck.kubeflow.simulate.workflow import templates
from limbeck.kubeflow.simulate.workflow.compilation import Compilation
from limbeck.kubeflow.simulate.workflow.dependencies import add_implicit, depends, is_exit_task
from limbeck.kubeflow.simulate.workflow.placeholders import output_of
from limbeck.kubeflow.simulate.workflow.stored import Stored
from limbeck.kubeflow.simulate.workflow.tasks import Place, dag_task, root_driver, tasks_of


class Compiler:
    """One compilation: templates and stored specs grow while the components are visited."""

    def __init__(self, accepted: Accepted, run: str, name: str, rules: Rules) -> None:
        self._spec = copy.deepcopy(accepted.spec)
        components = self._spec.get("components", {})
        self._visited: set[str] = set()
        self.made = Compilation(
            pipeline=accepted.name,
            run=run,
            name=name,
            rules=rules,
            components=components,
            executors=accepted.executors,
            platform=accepted.platform,
            root_tasks=frozenset(self._spec["root"].get("dag", {}).get("tasks", {})),
            stored=Stored(components, accepted.executors),
        )

    def compile(self, root: str, parameters: dict[str, Any]) -> Compilation:
        """Compiles the pipeline.

        Args:
          root: pipeline root of the run.
          parameters: parameters of the run, including defaults.
        """
        self._visit("root", self._spec["root"], None)
        configuration: dict[str, Any] = {"gcsOutputDirectory": root} if root else {}
        if parameters:
            configuration["parameterValues"] = parameters
        driver = root_driver(self.made, stable_json(configuration))
        whole = dag_task("root", "root", output_of(driver["name"], "execution-id"), "") | depends([driver["name"]])
        self.made.add(templates.dag("entrypoint", (), [driver, whole]))
        return self.made

    def _visit(self, name: str, component: dict[str, Any], around: dict[str, Any] | None) -> None:
        """Compiles the parts of a component, and then the component."""
        if name in self._visited:
            return
        self._visited.add(name)
        label = component.get("executorLabel", "")
        if label:
            self._executor(name, component, label)
            return
        if "dag" not in component:
            raise RefusedError("run", f"component {name} has neither an executor nor a DAG")
        tasks = component["dag"].get("tasks", {})
        components = self.made.components
        for key in sorted(tasks):
            task = tasks[key]
            reference = task.get("componentRef", {}).get("name", "")
            if reference not in components:
                raise RefusedError(
                    "run", f"task {key} of {name} refers to component {reference!r}, which is not there"
                )
            if "retryPolicy" not in task and around is not None and "retryPolicy" in around:
                task["retryPolicy"] = around["retryPolicy"]
            self._visit(reference, components[reference], task)
        self._dag(name, component, tasks)

    def _executor(self, name: str, component: dict[str, Any], label: str) -> None:
        executor = self.made.executors.get(label)
        if executor is None:
            raise RefusedError("run", f"component {name} names executor {label!r}, which is not in deploymentSpec")
        stored = self.made.stored
        if label in self.made.platform:
            stored.keep("kubernetes", name, self.made.platform[label])
        implementation = executor.get("container", executor.get("importer"))
        if implementation is None:
            kind = next(iter(executor), "nothing")
            raise RefusedError("run", f"executor {label} is a {kind}: KFP runs containers and importers only")
        stored.keep("components", name, component)
        stored.keep("implementations", name, implementation)

    def _dag(self, name: str, component: dict[str, Any], tasks: dict[str, Any]) -> None:
        add_implicit(name, tasks, self.made.rules)
        self.made.stored.keep("components", name, component)
        hooks: dict[str, str] = {}
        for key in sorted(tasks):
            if is_exit_task(tasks[key]):
                hook = f"exit-hook-{name}-{key}"
                hooks |= dict.fromkeys(tasks[key].get("dependentTasks", []), hook)
                self.made.add(
                    templates.dag(hook, ("parent-dag-id",), tasks_of(self.made, tasks[key], Place(key, key)))
                )
        compiled = [
            each
            for key in sorted(tasks)
            if not is_exit_task(tasks[key])
            for each in tasks_of(self.made, tasks[key], Place(key, key, hook=hooks.get(key, "")))
        ]
        if not compiled:
            raise RefusedError("run", f"{name} has no task but exit handlers")
        self.made.add(templates.dag(name, ("parent-dag-id",), compiled))
