"""Runs the containers of a workflow's templates: KFP's driver, launcher and importer, each as a function of ours.

Each gets the arguments of its template, after Argo and Kubernetes have filled them in. No process can be started with
an argument of 128 KiB or more.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.driver import decide
from limbeck.kubeflow.simulate.driver.options import MAXIMUM_ARGUMENT, Decision, Options, Run
from limbeck.kubeflow.simulate.flags import of_flags, parse_flags
from limbeck.kubeflow.simulate.launcher import importer
from limbeck.kubeflow.simulate.launcher.errors import LauncherDiedError, LauncherError
from limbeck.kubeflow.simulate.launcher.execute import Launch, Launcher
from limbeck.kubeflow.simulate.pod import variables
from limbeck.kubeflow.simulate.pod.claims import mounts_of
from limbeck.kubeflow.simulate.record import Attempt, Ended, Step
from limbeck.kubeflow.simulate.upload.strict import Parser
from limbeck.kubeflow.simulate.uris import UriError
from limbeck.kubeflow.simulate.workflow.document import DEFAULT_ROOT
from limbeck.kubeflow.simulate.workflow.placeholders import fill

_ROOT = "root-driver"


class Steps:
    """The pods of one run."""

    def __init__(self, run: Run, launcher: Launcher, claims: Path) -> None:
        """Takes the run, the launcher of executors, and a folder with a folder for each persistent volume claim."""
        self._run = run
        self._launcher = launcher
        self._claims = claims

    def run(
        self, node: str, template: dict[str, Any], values: dict[str, str], attempt: Attempt
    ) -> tuple[Step, Ended]:
        """Runs a pod; see `workflow.argo.Pods`."""
        pod = f"{self._run.workflow}-{template['name']}-{uuid.uuid4().int % 10**10}"
        if "podSpecPatch" in template:
            patch = json.loads(fill(template["podSpecPatch"], values))
            return self._executor(node, patch, pod, attempt)
        container = template["container"]
        known = (
            variables.of_pod(pod, str(uuid.uuid4()), container.get("env", []), None) if "env" in container else {}
        )
        words = [variables.expand(fill(word, values), known) for word in container.get("args", [])]
        flags = parse_flags(words)
        kind = "IMPORTER" if flags.get("executor_type") == "importer" else flags["type"]
        name = "root" if kind == "ROOT_DAG" and node == _ROOT else node
        if too_long(words):
            return Step(name, kind, error=too_long(words)), Ended("Error")  # type: ignore[arg-type]
        if kind == "IMPORTER":
            return self._importer(name, flags)
        if kind == "ROOT_DAG":
            decision = decide.root(self._run, of_flags(flags, "runtime_config"), DEFAULT_ROOT)
        else:
            options = self._options(kind, flags)
            decision = decide.dag(options) if kind == "DAG" else decide.container(options)
        return _decided(name, kind, decision)

    def _options(self, kind: str, flags: dict[str, str]) -> Options:
        platform = None
        if flags.get("kubernetes_config"):
            # The driver is lenient: it drops unknown fields that the compile step accepted.
            parser = Parser(self._run.rules.number[1], lenient=True)
            platform = parser.message("KubernetesExecutor", of_flags(flags, "kubernetes_config"))
        return Options(
            run=self._run,
            kind=kind,
            component=of_flags(flags, "component"),
            task=of_flags(flags, "task"),
            name=flags.get("task_name", ""),
            dag=int(flags["dag_execution_id"]),
            container=of_flags(flags, "container"),
            platform=platform,
            iteration=int(flags["iteration_index"]),
        )

    def _importer(self, node: str, flags: dict[str, str]) -> tuple[Step, Ended]:
        task, component, spec = (of_flags(flags, key) for key in ("task_spec", "component_spec", "importer_spec"))
        try:
            importer.run(self._run, task, component, spec, int(flags["parent_dag_id"]))
        except (LauncherError, UriError) as error:
            return Step(node, "IMPORTER", 1, str(error)), Ended("Failed")
        except LauncherDiedError as error:
            return Step(node, "IMPORTER", error.exit_code, str(error)), Ended("Failed")
        return Step(node, "IMPORTER"), Ended("Succeeded")

    def _executor(self, node: str, patch: dict[str, Any], pod: str, attempt: Attempt) -> tuple[Step, Ended]:
        main = patch["containers"][0]
        retried = attempt.number if attempt.retried else None
        known = variables.of_pod(pod, str(uuid.uuid4()), main.get("env", []), retried)
        command, words = (
            [variables.expand(word, known) for word in main.get(part, [])] for part in ("command", "args")
        )
        if too_long([*command, *words]):
            return Step(node, "EXECUTOR", error=too_long([*command, *words])), Ended("Error")
        if not words:
            return Step(node, "EXECUTOR", 1, "command and arguments of the container are empty"), Ended("Failed")
        flags = parse_flags(command)
        bounds = [each for each in (attempt.deadline, patch.get("activeDeadlineSeconds")) if each is not None]
        launch = Launch(
            run=self._run,
            execution=int(flags["execution_id"]),
            executor_input=of_flags(flags, "executor_input"),
            component=of_flags(flags, "component_spec"),
            words=words,
            variables=known,
            attempt=attempt.number,
            deadline=min(bounds) if bounds else None,
            claims=mounts_of(patch, self._claims),
        )
        ended = self._launcher.run(launch)
        told = {"output_parameters": ended.output_parameters} if ended.output_parameters else {}
        step = Step(node, "EXECUTOR", ended.exit_code, ended.error, told, ended.log)
        return step, Ended("Failed" if ended.exit_code else "Succeeded")


def too_long(words: list[str]) -> str:
    """Returns why a process cannot be started with these words; empty if it can."""
    longest = max((len(word.encode()) for word in words), default=0)
    if longest < MAXIMUM_ARGUMENT:
        return ""
    return (
        f"the pod cannot be started: one of its arguments has {longest} bytes, and Linux takes less than "
        f"{MAXIMUM_ARGUMENT}. The driver of the root gets the whole DAG as one argument, with all tasks' constants"
    )


def _decided(node: str, kind: Any, decision: Decision) -> tuple[Step, Ended]:
    """Returns the outputs of a driver for Argo, and the step for the trace."""
    known = decision.executor_input is not None or decision.execution
    outputs: dict[str, str] = {}
    told: dict[str, Any] = {}
    if known:
        condition = "nil" if decision.condition is None else str(decision.condition).lower()
        outputs = {"execution-id": str(decision.execution), "condition": condition}
        told = {"condition": condition}
        if kind != "CONTAINER":
            told["iteration-count"] = outputs["iteration-count"] = str(decision.iterations or 0)
        if decision.cached is not None:
            told["cached-decision"] = outputs["cached-decision"] = str(decision.cached).lower()
        if decision.executor_input is not None:
            told["executor_input"] = decision.executor_input
    if decision.pod is not None:
        told["pod"] = decision.pod
    outputs = {
        "pod-spec-patch": "" if decision.pod is None else json.dumps(decision.pod),
        "cached-decision": "false",
        "condition": "true",
        "iteration-count": "0",
        **outputs,
    }
    step = Step(node, kind, decision.exit_code, decision.error, told)
    return step, Ended("Failed" if decision.exit_code else "Succeeded", outputs)
