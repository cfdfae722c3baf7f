"""Decides whether the student may serve, from facts on student and teachers and from the gate's limits.

On a small test split, a student may be close to its teacher by luck. So a small difference is not enough: the test
examples must prove that the student is worse by at most the tolerance (`limbeck.report.verdicts.NonInferiority`).

Whether distillation helped is another question. A good student passes even if the student on labels alone is as good,
unless `gate.require_gain` is set.
"""

from __future__ import annotations

import dataclasses
import math

from pydantic.dataclasses import dataclass

from limbeck.components.predictor.tables import ModelFacts, Quality
from limbeck.models import HARD_LABELS
from limbeck.objectives.measure import Measure
from limbeck.records import STRICT
from limbeck.report.verdicts import SIGNIFICANCE, NonInferiority, TestSplit, Verdicts
from limbeck.settings.gate import GateConfig

DECISION_FILE = "decision.json"


@dataclass(frozen=True, config=STRICT)
class Decision:
    """Whether the student may serve. `reasons` is empty exactly if it may.

    `test_split` says how many students have been judged on the test split so far; null if this is not counted.
    """

    passed: bool
    reasons: tuple[str, ...]
    verdicts: Verdicts
    test_split: TestSplit | None = None


@dataclasses.dataclass(frozen=True)
class _Terms:
    """The measure, how far the student may be below the teacher, and what the test split must hold."""

    measure: Measure
    tolerance: float
    needed: str


def decide(
    student: Quality,
    teacher: Quality,
    facts: ModelFacts,
    verdicts: Verdicts,
    limits: GateConfig,
    *,
    measure: Measure,
    needed: str = "labels",
) -> Decision:
    """Compares the student with the limits, on the test split.

    Args:
      student: quality of the student.
      teacher: quality of the teachers' ensemble on the same examples.
      facts: what the student costs.
      verdicts: how the student compares with its teacher and its controls.
      limits: the gate's limits; the tolerance has the unit of the measure.
      measure: the measure of the scores of `student` and `teacher`, and of the differences in `verdicts`.
      needed: what the test split must hold for the measure to be defined, in words.

    Raises:
      ConfigError: if the tolerance is invalid in the unit of the measure.
    """
    measure.assert_tolerance(limits.tolerance)
    reasons = [
        *_quality(student, teacher, verdicts.against_teacher, _Terms(measure, limits.tolerance, needed)),
        *_cost(facts, limits),
        *_gain(verdicts, limits, measure),
    ]
    return Decision(not reasons, tuple(reasons), verdicts)


def _quality(student: Quality, teacher: Quality, beside: NonInferiority | None, terms: _Terms) -> list[str]:
    measure, tolerance = terms.measure, terms.tolerance
    for name, quality in (("student", student), ("teacher", teacher)):
        if not math.isfinite(quality.score):
            return [
                f"the {name}'s {measure.name} is {quality.score} over {quality.examples} labelled test examples: "
                f"give the test split {terms.needed}, or look for extreme values in the model's inputs"
            ]
    if beside is not None and beside.shows(tolerance, measure):
        return []
    # Rounded, because 0.9 - 0.85 > 0.05 in binary.
    lost = round(teacher.score - student.score, 12)
    if lost > tolerance:
        return [
            f"the student's {measure.name} {measure.text(student.score)} is {measure.distance(lost)} below the "
            f"teacher's {measure.text(teacher.score)}; gate.tolerance allows {measure.limit(tolerance)}"
        ]
    return [_not_proven(0.0 - lost, beside, terms)]


def _not_proven(difference: float, beside: NonInferiority | None, terms: _Terms) -> str:
    measure = terms.measure
    said = (
        f"the student's {measure.name} is {measure.signed(difference)} from the teacher's, and gate.tolerance allows "
        f"{measure.limit(terms.tolerance)}"
    )
    if beside is None or beside.low is None:
        return (
            f"{said}, but too many other test splits would not define it: give the test split more {terms.needed}"
        )
    enough = beside.enough(terms.tolerance)
    remedy = (
        "A student so near the limit needs a larger gate.tolerance"
        if enough is None
        else f"About {enough:,} would most likely prove it; otherwise set a larger gate.tolerance"
    )
    return (
        f"{said}, but {beside.examples:,} labelled test examples prove less: the true difference may "
        f"well be {measure.signed(beside.low)} (lower end of its one-sided 95 % interval). {remedy}"
    )


def _cost(facts: ModelFacts, limits: GateConfig) -> list[str]:
    reasons = []
    if limits.max_bytes is not None and facts.bytes > limits.max_bytes:
        reasons.append(f"the student takes {facts.bytes:,} bytes; gate.max_bytes allows {limits.max_bytes:,}")
    if limits.max_latency_ms is not None and facts.latency_ms.p50 > limits.max_latency_ms:
        reasons.append(
            f"the student's median latency is {facts.latency_ms.p50:.3f} ms; "
            f"gate.max_latency_ms allows {limits.max_latency_ms:g} ms"
        )
    return reasons


def _gain(verdicts: Verdicts, limits: GateConfig, measure: Measure) -> list[str]:
    if not limits.require_gain or (verdicts.distillation_helped and verdicts.distillation_helped.verdict):
        return []
    if HARD_LABELS not in verdicts.against:
        return [
            "gate.require_gain asks for a gain over the student on hard labels, and there is none to compare with"
        ]
    found = verdicts.against[HARD_LABELS]
    return [
        f"the student's {measure.name} is {measure.signed(found.difference.value or 0)} from that of the same student "
        f"on hard labels (p = {found.p_value:.3g}); gate.require_gain asks for a gain with p < {SIGNIFICANCE:g}"
    ]
