"""The record of a run, step by step."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

Phase = Literal["Succeeded", "Failed", "Error", "Skipped", "Omitted"]
Kind = Literal["ROOT_DAG", "DAG", "CONTAINER", "EXECUTOR", "IMPORTER"]


@dataclasses.dataclass(frozen=True)
class Step:
    """One pod: of a driver, an executor or an importer.

    Attributes:
      node: name of the workflow's node.
      kind: what ran in it.
      exit_code: exit code of its process; 0 also if it could not be started.
      error: why it failed, as a sentence; empty if it did not fail.
      told: what it decided or did, as the trace shows it.
      log: output of the user's command.
    """

    node: str
    kind: Kind
    exit_code: int = 0
    error: str = ""
    told: dict[str, Any] = dataclasses.field(default_factory=dict)
    log: str = ""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One try of a pod.

    Attributes:
      number: number of the attempt, from 0.
      retried: whether there may be another attempt.
      deadline: seconds that it may take; None for no limit.
    """

    number: int = 0
    retried: bool = False
    deadline: float | None = None


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a node ended: its phase, and its output parameters."""

    phase: Phase
    outputs: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class History:
    """What happened in one run.

    Attributes:
      steps: the steps, in the order in which they ran.
      skipped: nodes that did not run, with how they were passed over.
      phase: phase of the run; None while it runs.
    """

    steps: list[Step] = dataclasses.field(default_factory=list)
    skipped: list[tuple[str, Phase]] = dataclasses.field(default_factory=list)
    phase: Phase | None = None
