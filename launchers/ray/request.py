"""The JSON files between the launcher and the process that makes an attempt: the request and the outcome."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import DamagedDataError, TrainingFailedError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError, TrainingBrokeDownError
from limbeck.records import STRICT
from limbeck.settings.ray import RayConfig
from limbeck.trainer.job import TrainingJob


@dataclass(frozen=True, config=STRICT)
class Request:
    """One attempt at a job.

    Attributes:
      job: the staged job.
      cluster: its processes.
      settings: of the section `launcher.ray`.
      heartbeat_seconds: a process that is silent for longer has hung.
      files: URI of the attempt's folder, which the nodes read and write.
      first: whether it is the first attempt. Later ones wait for room that was there before.
    """

    job: TrainingJob
    cluster: Cluster
    settings: RayConfig
    heartbeat_seconds: float
    files: str
    first: bool


@dataclass(frozen=True, config=STRICT)
class Outcome:
    """How an attempt ended.

    Attributes:
      kind: `done`, or the class of the error, as `error` has it.
      message: text of the error; of a `failed` attempt only its reason.
      lines: of a `failed` attempt: the last lines of the process that failed.
      exception: of a `failed` attempt: the exception that ended the process, if one did.
    """

    kind: Literal["done", "damaged", "user", "broke_down", "preempted", "failed"]
    message: str = ""
    lines: tuple[str, ...] = ()
    exception: str | None = None

    @classmethod
    def of(cls, error: UserError | TrainingFailedError) -> Outcome:
        """Returns the outcome of an attempt that raised an error."""
        if isinstance(error, AttemptFailedError):
            return cls("failed", error.reason, error.lines, error.exception)
        if isinstance(error, AttemptPreemptedError):
            return cls("preempted", str(error))
        if isinstance(error, TrainingBrokeDownError):
            return cls("broke_down", str(error))
        if isinstance(error, DamagedDataError):
            return cls("damaged", str(error))
        if isinstance(error, UserError):
            return cls("user", str(error))
        return cls("failed", str(error))

    def error(self) -> UserError | TrainingFailedError | None:
        """Returns the error to raise; None if the attempt is done."""
        if self.kind == "failed":
            return AttemptFailedError(self.message, self.lines, self.exception)
        kinds: dict[str, type[UserError] | type[TrainingFailedError]] = {
            "damaged": DamagedDataError,
            "user": UserError,
            "broke_down": TrainingBrokeDownError,
            "preempted": AttemptPreemptedError,
        }
        return kinds[self.kind](self.message) if self.kind in kinds else None
