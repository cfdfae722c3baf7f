"""A job of Vertex AI, as its API tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limbeck.kubeflow.submit import explain
from limbeck.kubeflow.submit.run import Failure, Look, Place, Request, State
from limbeck.kubeflow.submit.vertex_calls import SECONDS, Ask

_STATES: Mapping[str, State] = {
    "PIPELINE_STATE_QUEUED": "pending",
    "PIPELINE_STATE_PENDING": "pending",
    "PIPELINE_STATE_RUNNING": "running",
    "PIPELINE_STATE_CANCELLING": "running",
    "PIPELINE_STATE_SUCCEEDED": "succeeded",
    "PIPELINE_STATE_FAILED": "failed",
    "PIPELINE_STATE_CANCELLED": "cancelled",
    "PIPELINE_STATE_PAUSED": "paused",
}
_TASK_STATES: Mapping[str, State] = {
    "PENDING": "pending",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "CANCEL_PENDING": "running",
    "CANCELLING": "running",
    "CANCELLED": "cancelled",
    "FAILED": "failed",
    "SKIPPED": "cached",
    "NOT_TRIGGERED": "skipped",
}


class VertexRun:
    """A job, or a schedule."""

    def __init__(self, ask: Ask, client: Any, name: str, place: Place, request: Request) -> None:
        """Takes what was created.

        Args:
          ask: makes calls.
          client: has created it.
          name: of the resource.
          place: where it is.
          request: for it.
        """
        self._ask = ask
        self._client = client
        self._name = name
        self._place = place
        self._request = request
        self._details: list[Any] = []

    @property
    def identity(self) -> str:
        """The id in its name."""
        return self._name.rsplit("/", 1)[-1]

    @property
    def link(self) -> str:
        """The page that shows it."""
        kind = "schedules" if self._request.schedule else "runs"
        return page(self._place, f"{kind}/{self.identity}")

    @property
    def how_to_cancel(self) -> str:
        """What a user does to end it."""
        return f"press Cancel on {self.link}"

    def look(self) -> Look:
        """Returns its state. Raises PassingError if there is no answer now, UserError if it may not be asked."""
        job = self._ask.once(lambda: self._client.get_pipeline_job(name=self._name, timeout=SECONDS))
        self._details = list(job.job_detail.task_details)
        known = dict.fromkeys(self._request.document.tasks, "waiting")
        found = {one.task_name: _TASK_STATES.get(one.state.name, "waiting") for one in self._details}
        # The whole run is among the tasks, under the name of the job.
        tasks: dict[str, State] = {task: found.get(task, "waiting") for task in known}
        state = _STATES.get(job.state.name, "waiting")
        return Look(state, tasks, "pending" in tasks.values() or state == "pending", job.error.message)

    def cancel(self) -> None:
        """Asks for its end."""
        self._ask.patiently(lambda: self._client.cancel_pipeline_job(name=self._name, timeout=SECONDS))

    def failures(self, look: Look) -> Sequence[Failure]:
        """Returns which tasks failed, and what they said."""
        return [
            Failure(one.task_name, explain.explained(one.error.message))
            for one in self._details
            if _TASK_STATES.get(one.state.name) == "failed" and one.task_name in look.tasks
        ]


def page(place: Place, what: str) -> str:
    """Returns the page of the console that shows it; schedules have one for all."""
    region = place.region
    return (
        f"https://console.cloud.google.com/vertex-ai/locations/{region}/pipelines/{what}?project={place.project}"
        if what.startswith("runs/")
        else f"https://console.cloud.google.com/vertex-ai/pipelines/schedules?project={place.project}"
    )
