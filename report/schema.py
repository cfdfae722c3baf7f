"""`report.json`: the machine-readable result. docs/report.md describes it; a change of meaning raises VERSION."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from limbeck.compression_record import CompressionRecord
from limbeck.moved import Moved
from limbeck.objectives.classes import Classes
from limbeck.objectives.measure import Measure
from limbeck.objectives.wording import Wording
from limbeck.rank_record import RankRecord
from limbeck.records import STRICT
from limbeck.report.findings import Findings
from limbeck.report.verdicts import AcrossSeeds, Comparison, Helped, Interval, NonInferiority, TestSplit
from limbeck.settings.config import Config

VERSION = 1


class Outcome(str, enum.Enum):
    """How the run ended. `PASSED` is in no `report.json`: it is what a node knows that runs before Pusher has ended."""

    PUSHED = "pushed"
    PASSED = "passed"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, config=STRICT)
class ModelReport:
    """Quality of one model on the test split, and what it costs.

    Attributes:
      metrics: the measure and the loss of the task's objective, by name: for classes `accuracy` (a fraction) and
        `log_loss` (nats). Null if undefined: no labels, or no finite outputs.
      parameters: number of weights; for an ensemble, of all members.
      bytes: size of the serving SavedModel folder; of a compressed student, size of the file.
      latency_ms_p50: median latency of a call with one example, on one thread, in milliseconds.
      latency_ms_p99: 99th percentile of the same latency.
      examples: number of labelled test examples, which the metrics are over; null in a report from before this was
        counted.
    """

    metrics: dict[str, float | None]
    parameters: int
    bytes: int
    latency_ms_p50: float
    latency_ms_p99: float
    examples: int | None = None


@dataclass(frozen=True, config=STRICT)
class GateReport:
    """The gate's verdict."""

    passed: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, config=STRICT)
class Stage:
    """A node of the pipeline, in the order of execution.

    Attributes:
      name: id of the node.
      seconds: how long it took; for a cached node, its look-up.
      cached: whether its result is one of an earlier run.
      input_bytes: size of all files of the artifacts that it was given; null in a report from before this was told.
      output_bytes: likewise, of those that it made.
      workers: what each of its workers read and wrote, by the names of the workers; empty if it had none, if its result
        is one of an earlier run, and in a report from before this was counted.
    """

    name: str
    seconds: float
    cached: bool
    input_bytes: int | None = None
    output_bytes: int | None = None
    workers: tuple[Moved, ...] = ()


@dataclass(frozen=True, config=STRICT)
class Report:
    """The whole result. Parts that the run did not reach are empty or null.

    Attributes:
      gap_recovered: see `limbeck.report.verdicts`, also for the next two.
      distillation_helped: whether the student beat the same student on hard labels.
      against: the student against each control.
      across_seeds: the student against each control over several seeds; null if the run has one.
      test_split: how often the test split was looked at; null if nobody kept count.
      against_teacher: the student against its teacher, as the gate compares them; null in a report from before it did.
      findings: what only the page shows.
      measure: the metric that the gate compares.
      wording: what the page and the advice say of the task's objective.
      given_teacher: whether the teacher is someone's model, and not trained by the pipeline.
      compression: what became of the student; null if the run does not compress it.
    """

    schema_version: int
    outcome: Outcome
    task: str
    config: Config
    error: str | None = None
    models: dict[str, ModelReport] = dataclasses.field(default_factory=dict)
    training: dict[str, tuple[RankRecord, ...]] = dataclasses.field(default_factory=dict)
    gap_recovered: Interval | None = None
    distillation_helped: Helped | None = None
    against: dict[str, Comparison] = dataclasses.field(default_factory=dict)
    gate: GateReport | None = None
    serving: str | None = None
    stages: tuple[Stage, ...] = ()
    findings: Findings | None = None
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    # Reports from before there were other objectives have no measure.
    measure: Measure = Classes.measure
    wording: Wording = Classes.wording
    compression: CompressionRecord | None = None
    against_teacher: NonInferiority | None = None
    across_seeds: AcrossSeeds | None = None
    given_teacher: bool = False
    test_split: TestSplit | None = None


def measured(report: Report, model: str) -> float | None:
    """Returns the value of the report's measure for a model; None if it is undefined, or if the model is not known."""
    known = report.models.get(model)
    return None if known is None else known.metrics[report.measure.key]


def judged_on(report: Report) -> int | None:
    """Returns the number of labelled test examples behind the figures of all models; None if it is not known."""
    known = {model.examples for model in report.models.values()}
    return known.pop() if len(known) == 1 else None


def to_plain(report: Report) -> dict[str, Any]:
    """Returns the report as plain JSON values, in the order of the fields."""
    return dict(TypeAdapter(Report).dump_python(report, mode="json"))
