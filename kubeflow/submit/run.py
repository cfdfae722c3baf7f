"""What all backends share: a request, a run that was created, and what can be seen of it.

A backend has one method, `submit`. What it returns can be looked at, cancelled, and asked why it failed. States have
one spelling here, because each service has its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

from limbeck.kubeflow.submit.document import Document
from limbeck.kubeflow.submit.schedule import Schedule

State = Literal["waiting", "pending", "running", "succeeded", "cached", "skipped", "failed", "cancelled", "paused"]
FINAL: frozenset[State] = frozenset({"succeeded", "skipped", "failed", "cancelled", "paused"})


@dataclasses.dataclass(frozen=True)
class Place:
    """Where to submit. A backend reads its own part, and refuses what belongs to another.

    Attributes:
      host: URL of Kubeflow Pipelines, or of an API of Vertex AI other than that of the region.
      namespace: of Kubeflow, where several users share it.
      experiment: of Kubeflow.
      token_file: holds the token that Kubeflow asks for.
      ca_file: certificates with which Kubeflow's own is checked.
      project: of Google Cloud.
      region: of Vertex AI.
    """

    host: str = ""
    namespace: str = ""
    experiment: str = ""
    token_file: Path | None = None
    ca_file: Path | None = None
    project: str = ""
    region: str = ""


@dataclasses.dataclass(frozen=True)
class Request:
    """What to run.

    Attributes:
      document: the compiled pipeline.
      name: of the run, or of the schedule.
      root: pipeline root of the run, a URI; "" leaves it to the service.
      parameters: of the run.
      cache: False computes all tasks again.
      service_account: with which the run works; "" leaves it to the service.
      schedule: when runs start; None for one run, now.
    """

    document: Document
    name: str
    root: str = ""
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    cache: bool = True
    service_account: str = ""
    schedule: Schedule | None = None


@dataclasses.dataclass(frozen=True)
class Look:
    """What can be seen of a run.

    Attributes:
      state: of the run.
      tasks: state of each task that the service tells of, by its name.
      held_up: whether something waits for a machine or an image.
      message: what the service says of the run; often nothing.
    """

    state: State
    tasks: Mapping[str, State] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    held_up: bool = False
    message: str = ""

    @property
    def final(self) -> bool:
        """Whether the run has ended."""
        return self.state in FINAL


@dataclasses.dataclass(frozen=True)
class Failure:
    """A task that failed, and why in one sentence; "" if nothing tells why."""

    task: str
    sentence: str


class Submitted(Protocol):
    """A run, or a schedule, that was created."""

    @property
    def identity(self) -> str:
        """The id that the service gave it."""

    @property
    def link(self) -> str:
        """The page that shows it."""

    @property
    def how_to_cancel(self) -> str:
        """What a user does to end it."""

    def look(self) -> Look:
        """Returns its state. Raises PassingError if there is no answer now, UserError if it may not be asked."""

    def cancel(self) -> None:
        """Asks for its end."""

    def failures(self, look: Look) -> Sequence[Failure]:
        """Returns which tasks failed, and why."""


class Backend(Protocol):
    """A service that runs pipelines."""

    def submit(self, request: Request) -> Submitted:
        """Creates a run, or a schedule.

        Raises:
          UserError: for what the user can mend.
          ServiceError: if the service fails.
        """
