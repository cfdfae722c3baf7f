"""A run of Kubeflow Pipelines, as its API server tells of it.

What the server calls tasks are nodes of a workflow of Argo's: a task of the pipeline is two of them, a driver and what
follows it. ML Metadata is not asked: the root's execution stays RUNNING there, whatever became of the run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from limbeck.kubeflow.simulate.upload.accepted import Accepted
from limbeck.kubeflow.submit import explain, pods
from limbeck.kubeflow.submit.run import Failure, Look, Request, State

_STATES: Mapping[str, State] = {
    "PENDING": "pending",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "SKIPPED": "skipped",
    "FAILED": "failed",
    "CANCELING": "running",
    "CANCELED": "cancelled",
    "PAUSED": "paused",
}
_ATTEMPT = re.compile(r"executor\((\d+)\)")


class KubeflowRun:
    """A run, or a recurring run."""

    def __init__(self, client: Any, host: str, identity: str, request: Request, accepted: Accepted) -> None:
        """Takes what was created.

        Args:
          client: has created it.
          host: of the user interface.
          identity: that the server gave it.
          request: for it.
          accepted: its pipeline.
        """
        self._client = client
        self._host = host
        self._request = request
        self._accepted = accepted
        self._details: list[Any] = []
        self.identity = identity

    @property
    def link(self) -> str:
        """The page that shows it."""
        kind = "recurringrun" if self._request.schedule else "runs"
        return f"{self._host}/#/{kind}/details/{self.identity}"

    @property
    def how_to_cancel(self) -> str:
        """What a user does to end it."""
        return f"press Terminate on {self.link}"

    def look(self) -> Look:
        """Returns its state. Raises PassingError if there is no answer now, UserError if it may not be asked."""
        run = self._client.get_run(self.identity)
        self._details = (run.run_details.task_details if run.run_details else None) or []
        states = {one.display_name: _state(one.state) for one in self._details}
        tasks = {task: _task_state(states, task) for task in self._request.document.tasks}
        held_up = any(state == "pending" for state in states.values())
        message = run.error.message if run.error is not None and run.error.message else ""
        return Look(_state(run.state), tasks, held_up, message)

    def cancel(self) -> None:
        """Asks for its end."""
        self._client.terminate_run(self.identity)

    def failures(self, look: Look) -> Sequence[Failure]:
        """Returns which tasks failed, and what they said."""
        failed = [task for task, state in look.tasks.items() if state == "failed"]
        driver = {one.display_name: _state(one.state) for one in self._details}.get(f"root{pods.DRIVER}")
        if driver == "failed":
            failed.append("root")
        return [Failure(task, explain.explained(self._sentence(task))) for task in failed]

    def _sentence(self, task: str) -> str:
        nodes = [child.pod_name for one in self._details for child in one.child_tasks or [] if child.pod_name]
        for one in self._details:
            if one.display_name == task and one.error is not None and one.error.message:
                return str(one.error.message)
        workflow = pods.workflow_name(nodes)
        if workflow is None:
            return ""
        attempts = [int(found.group(1)) for found in map(_ATTEMPT.fullmatch, self._names()) if found]
        known = max(attempts) + 1 if attempts else 0
        for pod in pods.candidates(self._accepted, self._request.parameters, workflow, task, known):
            sentence = explain.sentence_of(self._client.log_of(self.identity, pod))
            if sentence:
                return sentence
        return ""

    def _names(self) -> list[str]:
        return [str(one.display_name) for one in self._details]


def _state(text: Any) -> State:
    return _STATES.get(str(text), "waiting")


def _task_state(states: Mapping[str, State], task: str) -> State:
    """The state of a task, which is two nodes of the workflow: a driver, and what follows it."""
    own, driver = states.get(task, "waiting"), states.get(f"{task}{pods.DRIVER}", "waiting")
    if own != "waiting":
        return own
    # A driver that failed leaves the rest of its task out.
    return "running" if driver == "succeeded" else driver
