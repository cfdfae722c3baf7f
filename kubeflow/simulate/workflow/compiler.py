"""Makes the Argo Workflow of a pipeline, as KFP's compile step does when a run is created.

Each task becomes two: its driver, and what the driver decided on. The tasks of a DAG are one template; all containers
share a few.
"""

from __future__ import annotations

import copy
from typing import Any

from kubeflow.simulate.refusals import RefusedError
from kubeflow.simulate.upload.accepted import Accepted
from kubeflow.simulate.upload.strict import FieldError, Parser
from kubeflow.simulate.values import stable_json
from kubeflow.simulate.versions import Rules
from kubeflow.simulate.workflow import pod_metadata, retries, templates
from kubeflow.simulate.workflow.dependencies import add_implicit, depends, is_exit_task
from kubeflow.simulate.workflow.loops import loop
from kubeflow.simulate.workflow.placeholders import given, output_of
from kubeflow.simulate.workflow.stored import Stored

NAMESPACE = "kubeflow"
# Images that stand for an operation of the driver: no pod is started for them.
DRIVER_OPERATIONS = ("argostub/createpvc", "argostub/deletepvc")


class Compiler:
    """One compilation: templates and stored specs grow while the components are visited."""

    def __init__(self, accepted: Accepted, run: str, name: str, rules: Rules) -> None:
        self._spec = copy.deepcopy(accepted.spec)
        self._components = self._spec.get("components", {})
        self._executors = accepted.executors
        self._platform = accepted.platform
        self._rules = rules
        self._run, self._name, self._pipeline = run, name, accepted.name
        self._visited: set[str] = set()
        self.stored = Stored(self._components, self._executors)
        self.templates: dict[str, templates.Template] = {}

    def compile(self, root: str, parameters: dict[str, Any]) -> None:
        """Compiles the pipeline.

        Args:
          root: pipeline root of the run.
          parameters: of the run, with defaults filled in.
        """
        self._visit("root", self._spec["root"], None)
        configuration: dict[str, Any] = {"gcsOutputDirectory": root} if root else {}
        if parameters:
            configuration["parameterValues"] = parameters
        driver = self._dag_driver("root-driver", component=self.stored.reference("components", "root"))
        driver["arguments"]["parameters"] += [
            {"name": "runtime-config", "value": stable_json(configuration)},
            {"name": "driver-type", "value": "ROOT_DAG"},
        ]
        whole = _dag_task("root", "root", output_of("root-driver", "execution-id"), "")
        whole |= depends(["root-driver"])
        self.add(templates.dag("entrypoint", (), [driver, whole]))

    def add(self, template: templates.Template) -> None:
        """Adds a template; raises RefusedError where its name is taken."""
        if template["name"] in self.templates:
            raise RefusedError("run", f"template {template['name']!r} is there twice: two components compile to it")
        self.templates[template["name"]] = template

    def _visit(self, name: str, component: dict[str, Any], around: dict[str, Any] | None) -> None:
        """Compiles what a component consists of, and then the component."""
        if name in self._visited:
            return
        self._visited.add(name)
        label = component.get("executorLabel", "")
        if label:
            self._visit_executor(name, component, label)
            return
        if "dag" not in component:
            raise RefusedError("run", f"component {name} has neither an executor nor a DAG")
        tasks = component["dag"].get("tasks", {})
        for key in sorted(tasks):
            task = tasks[key]
            reference = task.get("componentRef", {}).get("name", "")
            if reference not in self._components:
                raise RefusedError("run", f"task {key} of {name} refers to component {reference!r}, which is not there")
            if "retryPolicy" not in task and around is not None and "retryPolicy" in around:
                task["retryPolicy"] = around["retryPolicy"]
            self._visit(reference, self._components[reference], task)
        self._dag(name, component, tasks)

    def _visit_executor(self, name: str, component: dict[str, Any], label: str) -> None:
        executor = self._executors.get(label)
        if executor is None:
            raise RefusedError("run", f"component {name} names executor {label!r}, which is not in deploymentSpec")
        if label in self._platform:
            self.stored.keep("kubernetes", name, self._platform[label])
        implementation = executor.get("container", executor.get("importer"))
        if implementation is None:
            kind = next(iter(executor), "nothing")
            raise RefusedError("run", f"executor {label} is a {kind}: KFP runs containers and importers only")
        self.stored.keep("components", name, component)
        self.stored.keep("implementations", name, implementation)

    def _dag(self, name: str, component: dict[str, Any], tasks: dict[str, Any]) -> None:
        add_implicit(name, tasks, self._rules)
        self.stored.keep("components", name, component)
        hooks: dict[str, str] = {}
        for key in sorted(tasks):
            if is_exit_task(tasks[key]):
                hook = f"exit-hook-{name}-{key}"
                hooks |= dict.fromkeys(tasks[key].get("dependentTasks", []), hook)
                self.add(templates.dag(hook, ("parent-dag-id",), self.task(key, tasks[key])))
        compiled = [
            each
            for key in sorted(tasks)
            if not is_exit_task(tasks[key])
            for each in self.task(key, tasks[key], hook=hooks.get(key, ""))
        ]
        if not compiled:
            raise RefusedError("run", f"{name} has no task but exit handlers")
        self.add(templates.dag(name, ("parent-dag-id",), compiled))

    def task(
        self, name: str, task: dict[str, Any], *, hook: str = "", iteration: str = "", key: str = ""
    ) -> list[dict[str, Any]]:
        """The Argo tasks of one task.

        Args:
          name: of the Argo task.
          task: its spec.
          hook: template to run when it has ended.
          iteration: refers to the index of the iteration, inside a loop.
          key: the task's key, where it is not its name.
        """
        component = task["componentRef"]["name"]
        if not iteration and ("parameterIterator" in task or "artifactIterator" in task):
            return loop(self, name, task)
        if "dag" in self._components[component]:
            return self._dag_tasks(name, task, component, hook, iteration, key or name)
        executor = self._executors[self._components[component]["executorLabel"]]
        if "importer" in executor:
            return [self._importer_task(name, task, component)]
        return self._container_tasks(name, task, component, hook, iteration, key or name)

    def _dag_tasks(
        self, name: str, task: dict[str, Any], component: str, hook: str, iteration: str, key: str
    ) -> list[dict[str, Any]]:
        driver = self.dag_driver(f"{name}-driver", task, component, key, iteration=iteration)
        if not iteration and not is_exit_task(task):
            driver |= depends(task.get("dependentTasks", []))
        condition = output_of(driver["name"], "condition")
        whole = _dag_task(name, component, output_of(driver["name"], "execution-id"), condition)
        whole |= depends([driver["name"]]) | _hooks(hook) | _when(task, condition)
        return [driver, whole]

    def dag_driver(
        self, name: str, task: dict[str, Any], component: str, key: str, *, iteration: str = ""
    ) -> dict[str, Any]:
        """The Argo task of a DAG's driver."""
        driver = self._dag_driver(name, component=self.stored.reference("components", component), iteration=iteration)
        driver["arguments"]["parameters"] += [
            {"name": "parent-dag-id", "value": given("parent-dag-id")},
            {"name": "task", "value": stable_json(task)},
            {"name": "task-name", "value": key},
        ]
        return driver

    def _dag_driver(self, name: str, *, component: str, iteration: str = "") -> dict[str, Any]:
        self._once(templates.dag_driver(self._pipeline, self._run, self._name))
        parameters = [{"name": "component", "value": component}]
        if iteration:
            parameters.append({"name": "iteration-index", "value": iteration})
        return {"name": name, "template": "system-dag-driver", "arguments": {"parameters": parameters}}

    def _container_tasks(
        self, name: str, task: dict[str, Any], component: str, hook: str, iteration: str, key: str
    ) -> list[dict[str, Any]]:
        self._once(templates.container_driver(self._pipeline, self._run, self._name))
        parameters = {
            "component": self.stored.reference("components", component),
            "task": stable_json(task),
            "container": self.stored.reference("implementations", component),
            "task-name": key,
            "parent-dag-id": given("parent-dag-id"),
            **({"iteration-index": iteration} if iteration else {}),
        }
        platform = self.stored.reference("kubernetes", component)
        if platform:
            parameters["kubernetes-config"] = platform
        driver: dict[str, Any] = {
            "name": f"{name}-driver",
            "template": "system-container-driver",
            "arguments": {"parameters": [{"name": each, "value": value} for each, value in parameters.items()]},
        }
        if not iteration and not is_exit_task(task):
            driver |= depends(task.get("dependentTasks", []))
        if self._executors[self._components[component]["executorLabel"]]["container"].get("image") in DRIVER_OPERATIONS:
            return [driver | {"name": name}]
        return [driver, self._executor_task(name, task, component, hook, driver["name"])]

    def _executor_task(
        self, name: str, task: dict[str, Any], component: str, hook: str, driver: str
    ) -> dict[str, Any]:
        metadata = self._pod_metadata(component)
        policy = task.get("retryPolicy")
        fixed = policy is not None and not self._rules.retry_by_parameters
        if fixed and name not in self._spec["root"]["dag"]["tasks"]:
            policy, fixed = None, False
        retried = retries.arguments(policy) if self._rules.retry_by_parameters else []
        before = f"{name}-" if fixed else "retry-" if retried else ""
        suffix = f"{pod_metadata.prefix(metadata)}{before}system-container"
        annotated = pod_metadata.arguments(metadata)
        names = [each["name"] for each in annotated] + (list(retries.PARAMETERS) if retried else [])
        if f"{suffix}-executor" not in self.templates:
            self.add(templates.executor(f"{suffix}-executor", f"{suffix}-impl", names, retries.PARAMETERS))
            labels, annotations = (pod_metadata.entries(metadata, kind) for kind in ("label", "annotation"))
            if labels:
                labels = self.pod_labels() | labels
            pod = templates.implementation(f"{suffix}-impl", names, labels, annotations)
            if policy is not None:
                pod["container"]["env"].append(retries.ATTEMPT)
                pod["retryStrategy"] = retries.fixed_strategy(policy) if fixed else retries.strategy()
            self.add(pod)
        parameters: list[dict[str, Any]] = [
            {"name": "pod-spec-patch", "value": output_of(driver, "pod-spec-patch")},
            {"name": "cached-decision", "default": "false", "value": output_of(driver, "cached-decision")},
        ]
        compiled = {
            "name": name,
            "template": f"{suffix}-executor",
            "arguments": {"parameters": [*parameters, *annotated, *retried]},
        }
        return compiled | depends([driver]) | _hooks(hook) | _when(task, output_of(driver, "condition"))

    def _importer_task(self, name: str, task: dict[str, Any], component: str) -> dict[str, Any]:
        if task.get("triggerPolicy", {}).get("condition"):
            raise RefusedError("run", f"task {name} is an importer with a condition, which KFP does not support")
        self._once(templates.importer(self._pipeline, self._run))
        parameters = {
            "task": stable_json(task),
            "component": self.stored.reference("components", component),
            "importer": self.stored.reference("implementations", component),
            "parent-dag-id": given("parent-dag-id"),
        }
        # An importer waits for nobody: whatever its task depends on, it starts with the DAG.
        return {
            "name": name,
            "template": "system-importer",
            "arguments": {"parameters": [{"name": each, "value": value} for each, value in parameters.items()]},
        }

    def _pod_metadata(self, component: str) -> dict[str, Any] | None:
        entry = self._platform.get(self._components[component]["executorLabel"])
        if entry is None:
            return None
        parser = Parser(self._rules.number[1], lenient=not self._rules.strict_platform)
        try:
            metadata = parser.message("KubernetesExecutor", entry).get("podMetadata")
        except FieldError as error:
            raise RefusedError("run", f"the platform document, executor of {component}: {error}") from None
        return metadata if isinstance(metadata, dict) else None

    def pod_labels(self) -> dict[str, str]:
        """The labels of every pod of the run."""
        return {"pipeline/runid": self._run, "pipelines.kubeflow.org/v2_component": "true"}

    def _once(self, template: templates.Template) -> None:
        self.templates.setdefault(template["name"], template)


def _dag_task(name: str, template: str, parent: str, condition: str) -> dict[str, Any]:
    parameters = [{"name": "parent-dag-id", "value": parent}, {"name": "condition", "value": condition}]
    return {"name": name, "template": template, "arguments": {"parameters": parameters}}


def _hooks(template: str) -> dict[str, Any]:
    if not template:
        return {}
    parameters = [{"name": "parent-dag-id", "value": given("parent-dag-id")}]
    return {"hooks": {"exit": {"template": template, "arguments": {"parameters": parameters}}}}


def _when(task: dict[str, Any], condition: str) -> dict[str, str]:
    return {"when": f"{condition} != false"} if task.get("triggerPolicy", {}).get("condition") else {}
