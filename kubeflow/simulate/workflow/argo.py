"""The part of Argo that KFP's workflows use: DAGs, `depends`, `when`, sequences, exit hooks, retries.

One node runs at a time: the first ready node in the order of its template. Argo would run several at once. This changes
no result if tasks declare their dependencies.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from limbeck.kubeflow.simulate.clock import Clock
from limbeck.kubeflow.simulate.record import Attempt, Ended, History, Phase, Step
from limbeck.kubeflow.simulate.workflow.document import Workflow
from limbeck.kubeflow.simulate.workflow.names import dependencies
from limbeck.kubeflow.simulate.workflow.placeholders import fill
from limbeck.kubeflow.simulate.workflow.retrying import Times, Verdict, decide

_DONE: tuple[Phase, ...] = ("Succeeded", "Failed", "Error")
_BAD: tuple[Phase, ...] = ("Failed", "Error")


class Pods(Protocol):
    """Runs the template of a container."""

    def run(
        self, node: str, template: dict[str, Any], values: dict[str, str], attempt: Attempt
    ) -> tuple[Step, Ended]:
        """Runs a pod.

        Args:
          node: name of its node.
          template: template of the workflow.
          values: values of its references.
          attempt: number of the attempt, and how long it may take.
        """
        ...


class Argo:
    """One run of a workflow."""

    def __init__(self, workflow: Workflow, pods: Pods, clock: Clock, names: dict[str, str]) -> None:
        """Prepares a run. `names` holds global values such as `workflow.name`."""
        self._templates = workflow.templates
        self._globals = {f"workflow.parameters.{key}": value for key, value in workflow.parameters.items()} | names
        self._pods = pods
        self._clock = clock
        self.history = History()

    def run(self) -> History:
        """Runs the workflow to its end."""
        self.history.phase = self._dag("", self._templates["entrypoint"], self._globals).phase
        return self.history

    def _template(self, node: str, name: str, arguments: dict[str, str]) -> Ended:
        template = self._templates[name]
        values = dict(self._globals)
        for parameter in template.get("inputs", {}).get("parameters", []):
            key = parameter["name"]
            values[f"inputs.parameters.{key}"] = arguments.get(key, parameter.get("default", ""))
        if "dag" in template:
            return self._dag(node, template, values)
        return self._pod(node, template, values)

    def _dag(self, node: str, template: dict[str, Any], values: dict[str, str]) -> Ended:
        tasks = {task["name"]: task for task in template["dag"]["tasks"]}
        phases: dict[str, Phase] = {}
        values = dict(values)
        hooks: list[Phase] = []
        while len(phases) < len(tasks):
            name = next(
                key
                for key, task in tasks.items()
                if key not in phases and all(each in phases for each in dependencies(task))
            )
            ended = self._task(_below(node, name), tasks[name], phases, values)
            phases[name] = ended.phase
            values |= {f"tasks.{name}.outputs.parameters.{key}": value for key, value in ended.outputs.items()}
            hook = tasks[name].get("hooks", {}).get("exit")
            if hook is not None and ended.phase in _DONE:
                arguments = _arguments(hook, values)
                hooks.append(self._template(f"{_below(node, name)}.onExit", hook["template"], arguments).phase)
        return Ended(_worst([*phases.values(), *hooks]))

    def _task(self, node: str, task: dict[str, Any], phases: dict[str, Phase], values: dict[str, str]) -> Ended:
        if any(phases[each] != "Succeeded" for each in dependencies(task)):
            return self._passed_over(node, "Omitted")
        if "when" in task and not _true(fill(task["when"], values)):
            return self._passed_over(node, "Skipped")
        if "withSequence" not in task:
            return self._template(node, task["template"], _arguments(task, values))
        count = int(fill(task["withSequence"]["count"], values))
        ended: list[Phase] = []
        for index in range(count):
            arguments = _arguments(task, values | {"item": str(index)})
            ended.append(self._template(f"{node}({index}:{index})", task["template"], arguments).phase)
        return Ended(_worst(ended))

    def _passed_over(self, node: str, phase: Phase) -> Ended:
        self.history.skipped.append((node, phase))
        return Ended(phase)

    def _pod(self, node: str, template: dict[str, Any], values: dict[str, str]) -> Ended:
        if "retryStrategy" not in template:
            return self._attempt(node, template, values, Attempt())
        strategy = _filled(template["retryStrategy"], values)
        attempts, started, deadline = 0, self._clock.now(), None
        while True:
            attempt = Attempt(attempts, retried=True, deadline=deadline)
            ended = self._attempt(f"{node}({attempts})", template, values, attempt)
            attempts += 1
            if ended.phase == "Succeeded":
                return ended
            now = self._clock.now()
            # A pod that could not be started is not retried, because Argo's default policy is OnFailure.
            verdict = (
                Verdict(ended.phase)
                if ended.phase == "Error"
                else decide(strategy, Times(attempts, started, now, now))
            )
            if verdict.phase != "Retry":
                return Ended(verdict.phase)
            self._clock.skip(verdict.pause)
            deadline = None if verdict.deadline is None else verdict.deadline - self._clock.now()

    def _attempt(self, node: str, template: dict[str, Any], values: dict[str, str], attempt: Attempt) -> Ended:
        step, ended = self._pods.run(node, template, values | {"retries": str(attempt.number)}, attempt)
        self.history.steps.append(step)
        return ended


def _arguments(task: dict[str, Any], values: dict[str, str]) -> dict[str, str]:
    return {each["name"]: fill(each["value"], values) for each in task.get("arguments", {}).get("parameters", [])}


def _filled(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    return fill(value, values)


def _true(expression: str) -> bool:
    match = re.fullmatch(r"(.*) (!=|==) (.*)", expression)
    if match is None:
        raise ValueError(f"not a condition of Argo: {expression}")
    return (match.group(1) == match.group(3)) is (match.group(2) == "==")


def _worst(phases: list[Phase]) -> Phase:
    return next((bad for bad in ("Error", "Failed") if bad in phases), "Succeeded")


def _below(node: str, name: str) -> str:
    return f"{node}.{name}" if node else name
