"""What one process of a finished training did. The process writes it; the launcher and the report read it."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class DeviceSeconds:
    """How a process spent the calls of its training loop, in seconds.

    What is left of the training is neither: building graphs, validation, checkpoints, and Python between two calls.

    Attributes:
      computing: steps were computed. Communication is a part of them.
      waiting: nothing was computed, because the next batch was not there.
    """

    computing: float = 0.0
    waiting: float = 0.0

    def __add__(self, other: DeviceSeconds) -> DeviceSeconds:
        """Returns the sum of both."""
        return DeviceSeconds(self.computing + other.computing, self.waiting + other.waiting)


@dataclass(frozen=True, config=STRICT)
class Traffic:
    """The bytes that a process moved since its training began: exact counts, of its last attempt.

    Attributes:
      rows: packed rows that it looked up, for batches, for validation, and for the trial before the first step. They
        are in mapped files.
      read: what it read by calls, from files and pipes; mapped files and connections are not counted. None if the
        kernel does not tell, as for the others.
      written: what it wrote by calls, to files and pipes.
      sent: what went out through its TCP connections, such as gradients, or files of an object store. Those that were
        closed before its end are not counted.
      received: likewise, what came in.
    """

    rows: int
    read: int | None = None
    written: int | None = None
    sent: int | None = None
    received: int | None = None


@dataclass(frozen=True, config=STRICT)
class RankRecord:
    """The work of one process of a finished job.

    Attributes:
      role: `chief` or `worker`.
      rank: number of the process within the job, from 0; the chief has 0.
      steps: optimizer steps.
      examples: examples for which the process computed gradients.
      seconds: duration of the training.
      device: of them, those with the devices; None if they were not measured.
      traffic: the bytes that it moved; None in a record from before they were counted.
    """

    role: str
    rank: int
    steps: int
    examples: int
    seconds: float
    device: DeviceSeconds | None = None
    traffic: Traffic | None = None

    @property
    def idle_share(self) -> float | None:
        """The part of the training in which the devices computed no step, from 0 to 1; None if it is not known."""
        if self.device is None or not self.seconds:
            return None
        return max(0.0, 1 - self.device.computing / self.seconds)

    @property
    def waiting_share(self) -> float | None:
        """The part of the training in which they waited for a batch, from 0 to 1; None if it is not known."""
        return self.device.waiting / self.seconds if self.device and self.seconds else None
