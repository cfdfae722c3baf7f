"""What the gate lets pass, what it refuses, and in which words."""

import dataclasses
import math
from typing import Any

import pytest

from limbeck.components.gate import decision as gate
from limbeck.components.gate.decision import Decision
from limbeck.components.predictor.tables import ModelFacts, Quality
from limbeck.models import HARD_LABELS, PSEUDO_LABELS
from limbeck.objectives.binary import Binary
from limbeck.objectives.classes import Classes
from limbeck.objectives.multi_label import MultiLabel
from limbeck.objectives.objective import Objective
from limbeck.objectives.regression import Regression
from limbeck.records import from_json, to_json
from limbeck.report.verdicts import Comparison, Helped, Interval, NonInferiority, Verdicts
from limbeck.settings.gate import GateConfig
from limbeck.trainer.serving.latency import Latency

NO_LIMITS = GateConfig(tolerance=1.0)
NO_CONTROLS = Verdicts()


def quality(accuracy: float, examples: int = 250) -> Quality:
    return Quality(examples=examples, score=accuracy, loss=0.5)


def beside(student: Quality, teacher: Quality, verdicts: Verdicts, doubt: float) -> Verdicts:
    """The verdicts, with an interval of the difference that reaches so far down."""
    if not math.isfinite(student.score - teacher.score):
        return verdicts
    difference = student.score - teacher.score
    found = NonInferiority(difference, difference - doubt, student.examples)
    return dataclasses.replace(verdicts, against_teacher=found)


def decide(
    student: Quality,
    teacher: Quality,
    costs: ModelFacts,
    verdicts: Verdicts,
    limits: GateConfig,
    *,
    doubt: float = 0.0,
    **given: Any,
) -> Decision:
    """The gate's decision, on a test split that leaves so much doubt."""
    given = {"measure": Classes.measure} | given
    return gate.decide(student, teacher, costs, beside(student, teacher, verdicts, doubt), limits, **given)


def facts(size: int = 1000, p50: float = 0.5, p99: float = 2.0) -> ModelFacts:
    return ModelFacts(parameters=10, bytes=size, latency_ms=Latency(p50, p99))


def against_hard_labels(difference: float, p: float) -> Verdicts:
    comparison = Comparison(Interval(difference, difference - 0.01, difference + 0.01), p)
    helped = Helped(difference > 0 and p < 0.05, p)
    return Verdicts(Interval(0.5, None, None), helped, {HARD_LABELS: comparison})


def test_a_student_within_every_limit_passes_without_reasons():
    limits = GateConfig(tolerance=0.05, max_bytes=2000, max_latency_ms=1.0)

    decision = decide(quality(0.93), quality(0.97), facts(), NO_CONTROLS, limits)

    assert decision == Decision(True, (), beside(quality(0.93), quality(0.97), NO_CONTROLS, 0.0))


def test_a_student_better_than_its_teacher_passes_with_no_tolerance_at_all():
    limits = GateConfig(tolerance=0.0)
    assert decide(quality(0.98), quality(0.97), facts(), NO_CONTROLS, limits, doubt=0.01).passed
    assert not decide(quality(0.98), quality(0.97), facts(), NO_CONTROLS, limits, doubt=0.02).passed


# In binary 0.9 - 0.85 is more than 0.05, and 0.95 - 0.9 is less.
@pytest.mark.parametrize(("teacher", "student"), [(0.9, 0.85), (0.95, 0.9), (0.976, 0.926), (0.05, 0.0)])
def test_a_loss_that_equals_the_tolerance_passes(teacher: float, student: float):
    assert decide(quality(student), quality(teacher), facts(), NO_CONTROLS, GateConfig(tolerance=0.05)).passed


@pytest.mark.parametrize("doubt", [0.041, 0.5])
def test_a_student_near_its_teacher_is_refused_if_the_test_split_does_not_prove_it(doubt: float):
    few = {"student": quality(0.92, 50), "teacher": quality(0.93, 50)}
    limits = GateConfig(tolerance=0.05)

    assert decide(*few.values(), facts(), NO_CONTROLS, limits, doubt=0.04).passed
    decision = decide(*few.values(), facts(), NO_CONTROLS, limits, doubt=doubt)

    [reason] = decision.reasons
    bound = 1 + 100 * doubt
    # 50 examples, the doubt less than a point too long, and a doubt half as long again for four of five splits.
    enough = 50 * (doubt / 0.04 * (1.6449 + 0.8416) / 1.6449) ** 2
    assert reason.startswith(
        "the student's accuracy is -1.00 points from the teacher's, and gate.tolerance allows 5 points, but 50 "
        f"labelled test examples prove less: the true difference may well be -{bound:.2f} points (lower end of its "
        "one-sided 95 % interval). About "
    )
    assert reason.endswith(" would most likely prove it; otherwise set a larger gate.tolerance")
    said = int(reason.partition("About ")[2].split()[0].replace(",", ""))
    assert enough <= said <= 1.1 * enough


def test_a_student_at_the_limit_is_not_sent_for_more_examples():
    [reason] = decide(
        quality(0.85), quality(0.9), facts(), NO_CONTROLS, GateConfig(tolerance=0.05), doubt=0.01
    ).reasons
    assert reason.endswith("interval). A student so near the limit needs a larger gate.tolerance")


def test_a_bound_that_too_many_draws_leave_undefined_proves_nothing():
    unknown = Verdicts(against_teacher=NonInferiority(0.0, None, 12))
    given = {"measure": Binary.measure, "needed": Binary.wording.needed}

    [reason] = gate.decide(
        quality(0.9), quality(0.9), facts(), unknown, GateConfig(tolerance=0.1), **given
    ).reasons

    assert reason == (
        "the student's AUC is +0 from the teacher's, and gate.tolerance allows 0.1 in AUC, but too many other test "
        "splits would not define it: give the test split more examples of both labels"
    )
    assert gate.decide(quality(0.9), quality(0.9), facts(), unknown, GateConfig(tolerance=1.0), **given).passed


def test_one_example_in_a_million_beyond_the_tolerance_is_refused():
    limits = GateConfig(tolerance=0.05)

    assert not decide(quality(0.849999, 1_000_000), quality(0.9, 1_000_000), facts(), NO_CONTROLS, limits).passed


def test_lost_accuracy_is_told_with_both_accuracies_and_the_limit():
    decision = decide(quality(0.9), quality(0.975), facts(), NO_CONTROLS, GateConfig(tolerance=0.05))

    assert not decision.passed
    assert decision.reasons == (
        "the student's accuracy 90.00% is 7.50 points below the teacher's 97.50%; gate.tolerance allows 5 points",
    )


def test_size_equal_to_the_limit_passes_and_a_byte_more_is_refused():
    limits = GateConfig(tolerance=1.0, max_bytes=12_345)

    assert decide(quality(0.9), quality(0.9), facts(size=12_345), NO_CONTROLS, limits).passed
    assert decide(quality(0.9), quality(0.9), facts(size=12_346), NO_CONTROLS, limits).reasons == (
        "the student takes 12,346 bytes; gate.max_bytes allows 12,345",
    )


def test_median_latency_equal_to_the_limit_passes_and_more_is_refused():
    limits = GateConfig(tolerance=1.0, max_latency_ms=1.25)

    assert decide(quality(0.9), quality(0.9), facts(p50=1.25, p99=90.0), NO_CONTROLS, limits).passed
    assert decide(quality(0.9), quality(0.9), facts(p50=1.251), NO_CONTROLS, limits).reasons == (
        "the student's median latency is 1.251 ms; gate.max_latency_ms allows 1.25 ms",
    )


def test_limits_that_are_not_set_refuse_nothing():
    assert decide(quality(0.0), quality(1.0), facts(size=2**50, p50=1e6), NO_CONTROLS, NO_LIMITS).passed


@pytest.mark.parametrize("culprit", ["student", "teacher"])
def test_an_accuracy_that_is_no_number_is_refused_and_says_whose(culprit: str):
    undefined = quality(math.nan, examples=0)
    student, teacher = (undefined, quality(0.9)) if culprit == "student" else (quality(0.9), undefined)

    decision = decide(student, teacher, facts(), NO_CONTROLS, NO_LIMITS)

    assert not decision.passed
    [reason] = decision.reasons
    assert f"the {culprit}'s accuracy is nan over 0 labelled test examples" in reason
    assert "give the test split labels" in reason


def test_every_broken_limit_gives_a_reason():
    limits = GateConfig(tolerance=0.01, max_bytes=10, max_latency_ms=0.1)

    reasons = decide(quality(0.5), quality(0.9), facts(), NO_CONTROLS, limits).reasons

    assert [reason.count("gate.") for reason in reasons] == [1, 1, 1]
    assert [
        name for name in ("tolerance", "max_bytes", "max_latency_ms") if f"gate.{name}" in "".join(reasons)
    ] == [
        "tolerance",
        "max_bytes",
        "max_latency_ms",
    ]


def test_undefined_accuracy_does_not_hide_the_cost():
    limits = GateConfig(max_bytes=10)

    reasons = decide(quality(math.nan, 0), quality(0.9), facts(), NO_CONTROLS, limits).reasons

    assert len(reasons) == 2
    assert "gate.max_bytes" in reasons[1]


REQUIRED = GateConfig(tolerance=1.0, require_gain=True)


def test_a_gain_that_is_asked_for_and_there_passes():
    verdicts = against_hard_labels(0.0125, p=0.01)

    decision = decide(quality(0.9), quality(0.9), facts(), verdicts, REQUIRED)

    assert decision == Decision(True, (), beside(quality(0.9), quality(0.9), verdicts, 0.0))


@pytest.mark.parametrize(("difference", "p", "said"), [
    (0.0125, 0.05, "+1.25 points from that of the same student on hard labels (p = 0.05)"),
    (0.0, 1.0, "+0.00 points from that of the same student on hard labels (p = 1)"),
    (-0.03, 0.0012345, "-3.00 points from that of the same student on hard labels (p = 0.00123)"),
])  # fmt: skip
def test_without_a_gain_that_is_asked_for_the_student_is_refused(difference: float, p: float, said: str):
    decision = decide(quality(0.9), quality(0.9), facts(), against_hard_labels(difference, p), REQUIRED)

    assert not decision.passed
    assert decision.reasons == (
        f"the student's accuracy is {said}; gate.require_gain asks for a gain with p < 0.05",
    )


@pytest.mark.parametrize("against", [{}, {PSEUDO_LABELS: Comparison(Interval(0.1, 0.05, 0.15), 0.001)}])
def test_a_gain_that_cannot_be_measured_is_no_gain(against: dict[str, Comparison]):
    decision = decide(quality(0.9), quality(0.9), facts(), Verdicts(against=against), REQUIRED)

    assert not decision.passed
    assert decision.reasons == (
        "gate.require_gain asks for a gain over the student on hard labels, and there is none to compare with",
    )


def test_a_gain_that_is_not_asked_for_refuses_nobody():
    verdicts = against_hard_labels(-0.5, p=0.0001)

    decision = decide(quality(0.9), quality(0.9), facts(), verdicts, NO_LIMITS)

    assert decision == Decision(True, (), beside(quality(0.9), quality(0.9), verdicts, 0.0))


def test_a_gain_does_not_hide_what_else_is_wrong():
    limits = GateConfig(tolerance=0.05, require_gain=True)

    decision = decide(quality(0.5), quality(0.9), facts(), against_hard_labels(0.2, p=0.001), limits)

    assert len(decision.reasons) == 1
    assert "gate.tolerance" in decision.reasons[0]


def test_a_decision_survives_its_file():
    decision = Decision(False, ("one; with 'quotes'", "two"), against_hard_labels(0.012, p=0.03))

    assert from_json(Decision, to_json(decision)) == decision


@pytest.mark.parametrize(
    ("objective", "name", "needed"),
    [
        (Binary, "AUC", "examples of both labels"),
        (MultiLabel, "macro AUC", "examples of both values of a label"),
        (Regression, "R²", "labels that are not all equal"),
    ],
)
def test_the_other_kinds_say_the_unit_of_the_tolerance_and_what_the_test_split_lacks(
    objective: type[Objective], name: str, needed: str
):
    given = {"measure": objective.measure, "needed": objective.wording.needed}
    limits = GateConfig(tolerance=0.02)

    [reason] = decide(quality(0.9), quality(0.96), facts(), NO_CONTROLS, limits, **given).reasons
    assert reason == (
        f"the student's {name} 0.9 is 0.06 below the teacher's 0.96; gate.tolerance allows 0.02 in {name}"
    )
    [reason] = decide(quality(math.nan), quality(0.9), facts(), NO_CONTROLS, limits, **given).reasons
    assert reason.startswith(
        f"the student's {name} is nan over 250 labelled test examples: give the test split {needed}"
    )
